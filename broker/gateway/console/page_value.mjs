// One key: its value as text, edited, compared, saved on condition that nobody else has changed it meanwhile.
import * as api from "./api.mjs";
import { CodeField } from "./code_field.mjs";
import { conflictView } from "./conflict_view.mjs";
import { copyButton } from "./copy.mjs";
import { h, replace, say } from "./dom.mjs";
import { compact, pretty } from "./json_text.mjs";
import * as live from "./live.mjs";
import { agoCell, attempt, confirm, copyName, diffView, errorBox, fact, kMask, revealButton, subject, tabs } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { bytes, count, many } from "./text.mjs";
import { ValueAside } from "./value_aside.mjs";
import { kValueBytes, parseValue } from "./value_rules.mjs";

const kBigText = 100000; // characters: from there on it is judged when the typing pauses
const kPause = 250; // ms
const kEncoder = new TextEncoder();

// What was typed and not saved, by who it was, namespace and key, until the console is closed.
const drafts = new Map();
window.addEventListener("beforeunload", (event) => {
  if (drafts.size > 0) event.preventDefault();
});

// What a value is, in two or three words.
function kindOf(node) {
  if (node.kind === "object") return `object of ${many(node.members.length, "name")}`;
  if (node.kind === "array") return `array of ${count(node.items.length)}`;
  if (node.kind === "number") return /[.eE]/.test(node.source) ? "float" : "integer";
  return node.kind === "true" || node.kind === "false" ? "boolean" : node.kind;
}

class Editor {
  constructor(place, ns, key, secret, signal) {
    this.ns = ns;
    this.key = key;
    this.signal = signal;
    this.masked = secret;
    this.secret = secret;
    this.base = null; // {entry, etag} that the text was made from; null: there was no such key
    this.facts = h("dl", { class: "facts" });
    this.notice = h("div");
    this.wrong = h("div");
    this.work = h("div");
    this.hint = h("p", { id: "hint", class: "hint" });
    this.code = new CodeField({ id: "editor", rows: 16, "aria-describedby": "hint", "aria-keyshortcuts": "Control+S" });
    this.field = this.code.field;
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.aside = new ValueAside(ns, key, signal);
    this.reveal = secret ? revealButton((shows) => {
      this.masked = !shows;
      this.draw();
    }) : null;
    const button = (name, kind, action) => h("button", { type: "button", class: kind, onclick: action }, name);
    this.save = button("Review and save", "main", () => this.review());
    this.format = button("Format", null, () => this.reformat());
    this.undo = button("Undo changes", null, () => this.reset());
    this.remove = button("Delete", "danger", () => this.askDelete());
    this.buttons = h("div", { class: "buttons" }, this.save, this.format, this.undo, this.remove);
    this.copy = copyButton("Copy the value", () => this.field.value);
    replace(place, tabs(ns, key, "value"), this.notice, this.work, h("div", { class: "beside" },
      h("div", {}, this.facts, this.reveal === null ? null : h("div", { class: "tools" }, h("span", { class: "badge" }, "secret"), this.reveal),
        h("div", { class: "apart" }, h("label", { for: "editor" }, "Value, as JSON"), this.copy), this.code.element, this.hint, this.buttons, this.wrong),
      this.aside.element));
  }

  get draftName() {
    return `${session.principal() ?? ""}\n${this.ns}\n${this.key}`;
  }
  get baseText() {
    return this.base === null ? null : pretty(this.base.entry.value);
  }
  get readOnly() {
    return session.mayWrite(this.ns) !== "yes" || this.masked;
  }

  async load() {
    const draft = drafts.get(this.draftName);
    const base = await api.entry(this.ns, this.key, { signal: this.signal });
    if (draft === undefined) {
      this.base = base;
      this.field.value = this.baseText ?? "";
    } else {
      this.base = draft.base;
      this.field.value = draft.text;
      if (base?.etag !== draft.base?.etag) this.tellChanged("It has changed since you began to edit.", () => this.compare(base));
      else replace(this.notice, h("p", { class: "notice" }, "What you had typed here without saving is back."));
    }
    this.draw();
    this.aside.load();
  }

  // The text again from what is stored.
  reset() {
    drafts.delete(this.draftName);
    this.field.value = this.baseText ?? "";
    replace(this.wrong);
    replace(this.work);
    replace(this.notice);
    this.draw();
  }

  draw() {
    const e = this.base?.entry;
    replace(this.facts, e === undefined ? fact("State", this.readOnly ? "not there" : "not there: what is saved here creates it") : [
      fact("Changed", agoCell(e.time)), fact("By", e.by), fact("Revision", count(e.rev)), fact("Version", count(e.version)), fact("Created at", `revision ${count(e.created)}`),
      this.masked ? null : [fact("Type", kindOf(e.value)), fact("Size", bytes(kEncoder.encode(compact(e.value)).length))],
    ]);
    this.copy.hidden = this.masked || e === undefined;
    this.aside.set(e !== undefined);
    this.field.readOnly = this.readOnly;
    if (this.masked) this.field.value = kMask;
    else if (this.field.value === kMask) this.field.value = drafts.get(this.draftName)?.text ?? this.baseText ?? "";
    this.judge();
  }

  readOnlyHint() {
    const may = session.mayWrite(this.ns);
    if (this.masked) return ["Hidden: the policy calls this namespace secret."];
    if (may === "no") return ["Read-only: you may not write to this namespace."];
    return ["Read-only: your token does not say that you may write to this namespace. A role of the policy may allow it. ",
      h("button", { type: "button", onclick: () => {
        session.insist(this.ns);
        this.draw();
        this.field.focus();
      } }, "Edit all the same")];
  }

  pressed(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s") return;
    event.preventDefault(); // the browser would save the page
    if (!this.save.disabled && !this.readOnly) this.review();
  }

  typed() {
    clearTimeout(this.timer);
    this.code.colour();
    if (this.field.value.length < kBigText) this.judge();
    else this.timer = setTimeout(() => this.judge(), kPause);
  }

  // What the text is: its node, or undefined when it is none that could be saved.
  judge() {
    this.buttons.hidden = this.readOnly;
    this.field.removeAttribute("aria-invalid");
    this.hint.className = "hint";
    this.code.colour();
    if (this.readOnly) {
      replace(this.hint, this.readOnlyHint());
      return undefined;
    }
    let node;
    let place = null;
    let told = "Valid JSON.";
    try {
      node = parseValue(this.field.value);
      if (this.field.value.length > kValueBytes && kEncoder.encode(compact(node)).length > kValueBytes) told = "Valid JSON; it may be too large.";
    } catch (mistake) {
      told = this.field.value.trim() === "" ? "No value yet." : `Line ${mistake.line}, column ${mistake.column}: ${mistake.message}`;
      if (this.field.value.trim() !== "") {
        this.hint.className = "hint wrong";
        this.field.setAttribute("aria-invalid", "true");
        place = h("button", { type: "button", class: "link", onclick: () => this.code.goTo(mistake.offset) }, "Go to it");
      }
    }
    const changed = node === undefined ? this.field.value !== (this.baseText ?? "") : this.base === null || compact(node) !== compact(this.base.entry.value);
    if (changed) drafts.set(this.draftName, { text: this.field.value, base: this.base });
    else drafts.delete(this.draftName);
    replace(this.hint, told, changed && node !== undefined ? " Changed, not saved." : "", place === null ? null : [" ", place]);
    this.save.disabled = node === undefined || !changed;
    this.format.disabled = node === undefined;
    this.undo.disabled = !changed && this.field.value === (this.baseText ?? "");
    this.remove.hidden = this.base === null;
    return node;
  }

  reformat() {
    const node = this.judge();
    if (node === undefined) return;
    this.field.value = pretty(node);
    this.judge();
  }

  async review() {
    const node = this.judge();
    if (node === undefined) return;
    const text = this.field.value;
    const id = api.writeId();
    const done = await confirm({
      title: this.base === null ? "Write a new key?" : "Save this change?",
      body: [subject(this.ns, this.key), diffView(this.baseText, pretty(node), "What changes")],
      action: "Save",
      work: (note) => this.tried(() => api.put(this.ns, this.key, text, { etag: this.base?.etag ?? null, note, id })),
    });
    await this.after(done, `Saved as revision ${count(done?.rev)}.`);
  }

  async askDelete() {
    const id = api.writeId();
    const done = await confirm({
      title: "Delete this key?",
      body: [subject(this.ns, this.key), h("p", {}, "It goes away for everybody who follows it. Its history stays, and it can be rolled back from there."), diffView(this.baseText, null, "What goes")],
      action: "Delete", danger: true,
      work: (note) => this.tried(() => api.remove(this.ns, this.key, { etag: this.base.etag, note, id })),
    });
    await this.after(done, `Deleted at revision ${count(done?.rev)}.`);
  }

  // A conflict and a refusal are no mistakes to be tried again: the page goes on from them.
  async tried(write) {
    try {
      return await write();
    } catch (error) {
      if (error.code === "conflict" || error.code === "permission_denied" || error.code === "other_history") return { error };
      throw error;
    }
  }

  async after(done, told) {
    if (done === null) return;
    if (done.error?.code === "permission_denied") {
      session.writeDenied(this.ns);
      this.draw();
      replace(this.wrong, errorBox(done.error));
    } else if (done.error !== undefined) {
      await attempt(this.wrong, async () => this.compare(await api.entry(this.ns, this.key, { signal: this.signal }), done.error));
    } else {
      drafts.delete(this.draftName);
      this.lastHeard = done.rev; // what comes of it on the stream is no news
      replace(this.wrong);
      replace(this.work);
      await attempt(this.wrong, () => this.load());
      replace(this.notice, h("p", { class: "notice" }, told));
      say(told);
    }
  }

  // Three texts beside each other: what the edit began with, what was typed, what is stored by now.
  compare(theirs, error) {
    const node = this.judge();
    const mine = node === undefined ? this.field.value : pretty(node);
    const take = () => {
      this.base = theirs;
      this.reset();
      this.field.focus();
    };
    const goOn = () => {
      this.base = theirs;
      replace(this.work);
      replace(this.notice);
      this.draw();
      this.field.focus();
    };
    replace(this.notice);
    replace(this.wrong);
    replace(this.work, conflictView({ base: this.base, mine, theirs, error, take, goOn }));
    this.work.querySelector("h2").focus();
  }

  tellChanged(text, show) {
    say(text);
    replace(this.notice, h("p", { class: "notice" }, text, " ", h("button", { type: "button", onclick: show }, "Show it")));
  }

  async show() {
    const theirs = await api.entry(this.ns, this.key, { signal: this.signal });
    if (drafts.has(this.draftName)) return this.compare(theirs);
    this.base = theirs;
    this.reset();
    return this.aside.load();
  }

  // From here on it hears of changes: of those before, and of those while there was no connection, it asks.
  async joined() {
    try {
      const etag = this.base?.etag ?? null;
      if (await api.isStill(this.ns, this.key, etag, this.signal)) return;
      if (etag === (this.base?.etag ?? null) && this.notice.firstChild === null) this.tellChanged("It has changed meanwhile.", () => attempt(this.wrong, () => this.show()));
    } catch (error) {
      if (error.code === undefined && error.name !== "AbortError") throw error; // of what the broker refused the page tells already
    }
  }

  // Somebody, perhaps we, wrote to the namespace.
  heard(set) {
    const change = set.changes.find((each) => each.key === this.key);
    if (change === undefined || set.rev <= (this.base?.entry.rev ?? 0)) return;
    if (this.lastHeard === set.rev) return;
    this.lastHeard = set.rev;
    this.tellChanged(`${set.by} has ${change.op === "delete" ? "deleted" : "changed"} it at revision ${count(set.rev)}.`, () => attempt(this.wrong, () => this.show()));
  }
}

export async function valuePage(place, { ns = "", key = "" }, signal, heading) {
  heading.textContent = key;
  heading.className = "key";
  document.title = `${key} in ${ns} – prismbus`;
  copyName(heading, "key", key);
  const editor = new Editor(place, ns, key, await secrets.isSecret(ns, signal), signal);
  await editor.load();
  live.subscribe({ ns, subtree: false }, { change: (set) => editor.heard(set), subscribed: () => editor.joined() }, signal);
  signal.addEventListener("abort", () => clearTimeout(editor.timer));
}
