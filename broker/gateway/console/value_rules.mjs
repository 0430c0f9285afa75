// What a value may be besides JSON (sections 2 and 8 of the contract): judged here as somebody types, so that the broker's
// refusal does not come as a surprise; the broker judges again. Pure functions.
import { JsonMistake, parse } from "./json_text.mjs";

export const kValueDepth = 32; // containers; the default of the broker
export const kValueBytes = 1 << 20;

const kLeast = -(2n ** 63n);
const kMost = 2n ** 64n - 1n;
// In whole groups, and no bits that stand for nothing.
const kBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

// One of the three forms that MessagePack's timestamp has: 4, 8 or 12 bytes, its nanoseconds below a second.
function isTimestamp(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  if (bytes.length === 4) return true;
  if (bytes.length !== 8 && bytes.length !== 12) return false;
  const first = new DataView(bytes.buffer).getUint32(0);
  return (bytes.length === 8 ? first >>> 2 : first) < 1e9;
}

class Judge {
  constructor(text) {
    this.text = text;
  }
  fail(node, message) {
    throw new JsonMistake(this.text, node.start, message);
  }

  number(node) {
    const source = node.source;
    if (/[.eE]/.test(source)) {
      if (!Number.isFinite(Number(source))) this.fail(node, `${source} is beyond what a 64-bit float holds`);
      return;
    }
    if (source.length > 20 || BigInt(source) < kLeast || BigInt(source) > kMost)
      this.fail(node, `${source} is an integer outside of -2^63 .. 2^64-1`);
  }

  base64(node, form) {
    if (node === undefined || node.kind !== "string" || !kBase64.test(node.text)) this.fail(form, '"$bin" and "$ext" need base64');
  }

  // An object of one name that begins with $ stands for what JSON has no form of. Returns the levels below that count.
  dollar(node, member, depth) {
    const { name, value } = member;
    if (name.startsWith("$$")) return this.below(node, [value], depth);
    if (name === "$bin") return this.base64(value, node);
    if (name === "$float") {
      if (value.kind === "string" && ["nan", "inf", "-inf"].includes(value.text)) return undefined;
      return this.fail(node, '"$float" needs "nan", "inf" or "-inf"; other floats are written as numbers');
    }
    if (name === "$ext") {
      const [type, bytes] = value.kind === "array" && value.items.length === 2 ? value.items : [];
      const n = /^-?[0-9]+$/.test(type?.source ?? "") ? Number(type.source) : NaN;
      if (!(n >= -1 && n <= 127)) this.fail(node, '"$ext" needs [type, base64], where the type is 0 to 127, or -1 for a time');
      this.base64(bytes, node);
      if (n === -1 && !isTimestamp(bytes.text)) this.fail(node, '"$ext" of type -1 needs a time of 4, 8 or 12 bytes');
      return undefined;
    }
    if (name === "$map") {
      const pairs = value.kind === "array" ? value.items : [value];
      const names = new Set();
      for (const pair of pairs) {
        if (pair.kind !== "array" || pair.items.length !== 2) this.fail(pair, '"$map" needs an array of [key, value]');
        const name = this.mapKey(pair.items[0]);
        if (names.has(name)) this.fail(pair, '"$map" has a key twice');
        names.add(name);
      }
      return this.below(node, pairs.flatMap((pair) => pair.items), depth);
    }
    return this.fail(node, `a one-name object whose name begins with $ is written with one more: "$${name}"`);
  }

  // What tells one key of a map from another: numbers by value, strings and bins by their bytes.
  mapKey(node) {
    if (node.kind === "string") return `string ${node.text}`;
    if (node.kind === "number" && !/[.eE]/.test(node.source)) return `number ${BigInt(node.source)}`;
    const [only] = node.kind === "object" && node.members.length === 1 ? node.members : [];
    if (only?.name !== "$bin") this.fail(node, "a key of a map is a string, an integer or bin");
    return `bin ${only.value.text}`;
  }

  below(node, inner, depth) {
    if (depth >= kValueDepth) this.fail(node, `nested deeper than ${kValueDepth} levels`);
    for (const each of inner) this.value(each, depth + 1);
  }

  value(node, depth) {
    if (node.kind === "number") return this.number(node);
    if (node.kind === "array") return this.below(node, node.items, depth);
    if (node.kind !== "object") return undefined;
    const [first] = node.members;
    if (node.members.length === 1 && first.name.startsWith("$")) return this.dollar(node, first, depth);
    return this.below(node, node.members.map((m) => m.value), depth);
  }
}

// The tree of a value that the broker will take. Throws JsonMistake.
export function parseValue(text) {
  const node = parse(text);
  new Judge(text).value(node, 0);
  return node;
}
