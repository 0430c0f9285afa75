// What changed last, newest first: of the time before the page was opened only which namespace, from then on each key. No values,
// so nothing is to be hidden.
import { h, replace } from "./dom.mjs";
import { agoCell, empty, keyName } from "./parts.mjs";
import { link } from "./text.mjs";

const kMost = 14; // lines
const kOfOneSet = 4; // changes of one set
const kDraw = 300; // ms between two drawings

export class LatestChanges {
  constructor() {
    this.lines = []; // {ns, key, time, by, op, note}
    this.list = h("ol");
    this.element = h("section", { class: "latest" }, h("h2", {}, "Latest changes", h("a", { href: "#/feed" }, "Live")), this.list);
  }

  // `rows`: of the broker, one a namespace. What was heard of since counts more.
  begin(rows) {
    if (this.begun) return;
    this.begun = true;
    const heard = new Set(this.lines.map((line) => line.ns));
    const known = rows.filter((row) => !heard.has(row.ns)).map(({ ns, time }) => ({ ns, time }));
    this.lines = [...this.lines, ...known].sort((a, b) => b.time - a.time).slice(0, kMost);
    this.draw();
  }

  add(set) {
    const made = set.changes.slice(0, kOfOneSet).map(({ key, op }) => ({ ns: set.ns, key, op, time: set.time, by: set.by, note: set.note }));
    if (set.changes.length > kOfOneSet) made.push({ ns: set.ns, more: set.changes.length - kOfOneSet, time: set.time, by: set.by });
    const heard = new Set(made.map((line) => `${line.ns}\n${line.key}`));
    this.lines = [...made, ...this.lines.filter((line) => !heard.has(`${line.ns}\n${line.key}`) && (line.key !== undefined || line.ns !== set.ns))].slice(0, kMost);
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.draw();
    }, kDraw);
  }

  draw() {
    replace(this.list, this.lines.map((line) => h("li", {},
      h("span", { class: "what" },
        line.key === undefined ? h("a", { href: link("keys", { ns: line.ns }) }, line.ns, line.more === undefined ? "" : ` and ${line.more} more`)
          : h("a", { href: link(line.op === "delete" ? "history" : "value", { ns: line.ns, key: line.key }) }, keyName(line.key))),
      agoCell(line.time),
      line.key === undefined ? null : h("span", { class: "about" },
        line.ns, line.op === "delete" ? [", ", h("span", { class: "bad" }, "deleted")] : "", ` by ${line.by}`, line.note === undefined ? "" : `: ${line.note}`))),
    this.lines.length === 0 ? h("li", {}, empty("None yet.")) : null);
  }
}
