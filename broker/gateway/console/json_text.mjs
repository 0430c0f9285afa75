// JSON as text: a tree that keeps the source of every number and string, so that what JavaScript's numbers cannot hold
// (2^63+1, 1.0, 1e400) comes out as it went in. Nothing of a value ever passes through JSON.parse and JSON.stringify.
// Pure functions.
//
// A node: {kind, start, end} and, of its kind,
//   object  members: [{name, source, start, value}]   source: the name as it was written, with its quotes
//   array   items: [node]
//   string  text, source                               text: decoded
//   number  source
//   true, false, null
// start and end are offsets into the text it was parsed from.

const kDepthMax = 100; // of nested containers: what the broker sends is at most half of that
const kSpace = /[ \t\n\r]*/y;
const kNumber = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const kPlain = /[^"\\\u0000-\u001f]*/y;
const kEscape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const kLiterals = ["true", "false", "null"];

// What is wrong with a text, and where: line and column count from 1, offset from 0.
export class JsonMistake extends Error {
  constructor(text, offset, message) {
    super(message);
    const before = text.slice(0, offset);
    this.offset = offset;
    this.line = before.split("\n").length;
    this.column = offset - before.lastIndexOf("\n");
  }
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
  }
  fail(message, offset = this.at) {
    throw new JsonMistake(this.text, offset, message);
  }
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found && found[0];
  }
  here() {
    this.take(kSpace);
    return this.text[this.at];
  }
  // What stands here, as a message names it.
  shown() {
    return this.at >= this.text.length ? "the text ends" : `there is ${JSON.stringify(this.text[this.at])}`;
  }

  value() {
    const c = this.here();
    const start = this.at;
    if (c === "{") return this.object(start);
    if (c === "[") return this.array(start);
    if (c === '"') return this.string();
    if (c === "-" || (c >= "0" && c <= "9")) return this.number(start);
    for (const kind of kLiterals) {
      if (!this.text.startsWith(kind, start)) continue;
      this.at += kind.length;
      return { kind, start, end: this.at };
    }
    return this.fail(`a value is due, ${this.shown()}`);
  }

  number(start) {
    const source = this.take(kNumber);
    if (source === null) this.fail("no number: a digit is due behind -");
    const next = this.text[this.at];
    if (next !== undefined && /[0-9.eE+]/.test(next)) this.fail(`no number: ${this.shown()}`);
    return { kind: "number", source, start, end: this.at };
  }

  string() {
    const start = this.at;
    this.at += 1;
    for (;;) {
      this.take(kPlain);
      const c = this.text[this.at];
      if (c === '"') break;
      if (c === undefined) this.fail("a string without its closing quote", start);
      if (c !== "\\") this.fail("a control character within a string: write it as \\u00..");
      if (this.take(kEscape) === null) this.fail("no escape that JSON knows");
    }
    this.at += 1;
    const source = this.text.slice(start, this.at);
    const text = source.includes("\\") ? JSON.parse(source) : source.slice(1, -1);
    if (/\p{Surrogate}/u.test(text)) this.fail("half of a surrogate pair within a string", start);
    return { kind: "string", text, source, start, end: this.at };
  }

  enter() {
    if (++this.depth > kDepthMax) this.fail(`nested deeper than ${kDepthMax} levels`);
    this.at += 1;
  }
  leave(node) {
    this.depth -= 1;
    this.at += 1;
    node.end = this.at;
    return node;
  }
  // True: another item comes. `close`: what ends the list.
  another(close) {
    const c = this.here();
    if (c === close) return false;
    if (c !== ",") this.fail(`, or ${close} is due, ${this.shown()}`);
    this.at += 1;
    if (this.here() === close) this.fail("a comma with nothing behind it");
    return true;
  }

  array(start) {
    const node = { kind: "array", items: [], start, end: start };
    this.enter();
    if (this.here() !== "]") {
      do node.items.push(this.value());
      while (this.another("]"));
    }
    return this.leave(node);
  }

  object(start) {
    const node = { kind: "object", members: [], start, end: start };
    const names = new Set();
    this.enter();
    if (this.here() !== "}") {
      do {
        if (this.here() !== '"') this.fail(`a name in quotes is due, ${this.shown()}`);
        const name = this.string();
        if (names.has(name.text)) this.fail(`the name ${name.source} stands twice`, name.start);
        names.add(name.text);
        if (this.here() !== ":") this.fail(`a colon is due behind the name, ${this.shown()}`);
        this.at += 1;
        node.members.push({ name: name.text, source: name.source, start: name.start, value: this.value() });
      } while (this.another("}"));
    }
    return this.leave(node);
  }
}

// The tree of the one value in `text`. Throws JsonMistake.
export function parse(text) {
  const reader = new Reader(text);
  const node = reader.value();
  if (reader.here() !== undefined) reader.fail("something behind the value");
  return node;
}

// On one line, as the broker writes it.
export function compact(node) {
  switch (node.kind) {
    case "object":
      return `{${node.members.map((m) => `${m.source}:${compact(m.value)}`).join(",")}}`;
    case "array":
      return `[${node.items.map(compact).join(",")}]`;
    default:
      return node.source ?? node.kind;
  }
}

const kLine = 72; // characters; a container of scalars that fits stays on one line

function isFlat(node) {
  const inner = node.kind === "object" ? node.members.map((m) => m.value) : node.items;
  return inner.every((each) => each.kind !== "object" && each.kind !== "array");
}

function lines(node, indent, lead) {
  if (node.kind !== "object" && node.kind !== "array") return compact(node);
  const inner = node.kind === "object" ? node.members : node.items;
  if (inner.length === 0) return node.kind === "object" ? "{}" : "[]";
  if (node.kind === "array" && isFlat(node)) {
    const flat = `[${node.items.map(compact).join(", ")}]`;
    if (indent.length + lead + flat.length <= kLine) return flat;
  }
  const deeper = `${indent}  `;
  const written = inner.map((each) => {
    if (node.kind === "array") return deeper + lines(each, deeper, 0);
    return `${deeper}${each.source}: ${lines(each.value, deeper, each.source.length + 2)}`;
  });
  const [open, close] = node.kind === "object" ? "{}" : "[]";
  return `${open}\n${written.join(",\n")}\n${indent}${close}`;
}

// Over several lines, two spaces a level; numbers and strings exactly as they stood.
export function pretty(node) {
  return lines(node, "", 0);
}

// The broker's replies as plain objects, where what stands under a name of `kept` stays a node: those are values of
// people. Integers that JavaScript cannot hold exactly stay text.
export function plain(node, kept) {
  switch (node.kind) {
    case "object": {
      const out = Object.create(null);
      for (const { name, value } of node.members) out[name] = kept.has(name) ? value : plain(value, kept);
      return out;
    }
    case "array":
      return node.items.map((each) => plain(each, kept));
    case "string":
      return node.text;
    case "number": {
      const n = Number(node.source);
      return Number.isInteger(n) && !Number.isSafeInteger(n) ? node.source : n;
    }
    default:
      return node.kind === "null" ? null : node.kind === "true";
  }
}
