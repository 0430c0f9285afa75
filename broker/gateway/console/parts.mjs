// What several pages show: tables, errors, values that may be secret, differences, dialogs, spark lines.
import { compact } from "./json_text.mjs";
import { freshId, h, replace, s } from "./dom.mjs";
import { folded, lineDiff } from "./line_diff.mjs";
import { cut, exactTime, link, time } from "./text.mjs";

export function timeCell(us) {
  return h("time", { title: exactTime(us) }, time(us));
}

// `columns`: [{title, class}]; gives {element, body, more}. The element scrolls sideways by itself where there is no room.
export function table(caption, columns) {
  const body = h("tbody");
  const head = h("tr", {}, columns.map((c) => h("th", { scope: "col", class: c.class }, c.title)));
  const element = h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: 0 },
    h("table", { class: columns.some((c) => c.class === "grow") ? null : "snug" }, h("caption", { class: "unseen" }, caption), h("thead", {}, head), body));
  return { element, body, columns };
}

export function row(shown, cells, properties = {}) {
  return h("tr", properties, cells.map((cell, i) => {
    const first = i === 0 && properties.plain === undefined;
    return h(first ? "th" : "td", { scope: first ? "row" : null, class: shown.columns[i].class }, cell);
  }));
}

// One of a list of facts.
export function fact(name, value, kind = null) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: kind }, value));
}

export function empty(text) {
  return h("p", { class: "empty" }, text);
}

// What the broker refused, as it said it.
export function errorBox(error) {
  const details = error.details ?? {};
  const told = ["field", "path", "reason", "rev", "floor", "limit", "size", "retry_after_ms"]
    .filter((name) => details[name] !== undefined)
    .map((name) => [h("dt", {}, name), h("dd", {}, String(details[name]))]);
  return h("div", { class: "error", role: "alert" },
    h("p", {}, error.code === undefined ? null : h("code", {}, error.code), " ", error.message),
    told.length > 0 ? h("dl", {}, told) : null);
}

// Runs `work`; what goes wrong is shown in `place`. True: it went well.
export async function attempt(place, work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    if (error.code === undefined) console.error(error);
    replace(place, errorBox(error));
    return false;
  }
}

export const kMask = "••••••••";

// A value on one line.
export function valueCell(node, { masked = false, most = 200 } = {}) {
  if (node === undefined || node === null) return h("span", { class: "none" }, "—");
  if (masked) return h("span", { class: "masked" }, h("span", { "aria-hidden": "true" }, kMask), h("span", { class: "unseen" }, "hidden"));
  const text = compact(node);
  return h("code", { class: `value ${node.kind}`, title: text.length > most ? `${cut(text, 2000)}` : null }, cut(text, most));
}

// A button that shows what a secret namespace hides, on this page alone. `changed` is called with whether values show.
export function revealButton(changed) {
  const button = h("button", { type: "button", class: "reveal", "aria-pressed": "false" }, "Reveal values");
  button.addEventListener("click", () => {
    const shows = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(shows));
    button.textContent = shows ? "Hide values" : "Reveal values";
    changed(shows);
  });
  return button;
}

const kShownLines = 3000; // of one text or difference; a browser is slow with more

function bounded(lines) {
  if (lines.length <= kShownLines) return lines;
  return [...lines.slice(0, kShownLines), h("div", { class: "fold" }, `${lines.length - kShownLines} more lines are not shown`)];
}

function diffLine(kind, before, after, sign, line) {
  return h("div", { class: kind },
    h("span", { class: "number", "aria-hidden": "true" }, String(before ?? "")), h("span", { class: "number", "aria-hidden": "true" }, String(after ?? "")),
    h("span", { class: "sign" }, sign), h("span", { class: "line" }, line));
}

// A text beside differences of it; null: there is none.
export function textView(text, label) {
  const lines = text === null ? h("div", { class: "fold" }, "Not there") : bounded(text.split("\n")).map((line, i) => (typeof line === "string" ? diffLine("same", i + 1, null, " ", line) : line));
  return h("div", { class: "diff", role: "region", "aria-label": `${label}: the whole text`, tabindex: 0 }, lines);
}

// Two texts, line by line; null: there is none.
export function diffView(before, after, label) {
  const rows = lineDiff(before, after);
  const summary = `${rows.filter((r) => r.op === "-").length} lines less, ${rows.filter((r) => r.op === "+").length} lines more`;
  const lines = bounded(folded(rows)).map((each) => {
    if (each instanceof Node) return each;
    if (each.op === "…") return h("div", { class: "fold" }, `${each.count} equal line${each.count === 1 ? "" : "s"}`);
    const kind = { "+": "more", "-": "less", "=": "same" }[each.op];
    return diffLine(kind, each.before, each.after, each.op === "=" ? " " : each.op, each.line);
  });
  return h("div", { class: "diff", role: "region", "aria-label": `${label}: ${summary}`, tabindex: 0 },
    rows.every((r) => r.op === "=") ? h("div", { class: "fold" }, "No difference") : lines);
}

// Asks before something is done. `work(note)` does it, and what it throws is shown, so that it can be tried again. Resolves to
// its result, or to null when nothing was done.
export function confirm({ title, body, action, danger = false, work }) {
  return new Promise((resolve) => {
    const id = freshId("dialog");
    const note = h("input", { id: `${id}-note`, type: "text", maxlength: 1024, autocomplete: "off", placeholder: "Why, for those who read the history" });
    const go = h("button", { type: "submit", class: danger ? "danger" : "main" }, action);
    const place = h("div");
    let result = null;
    const dialog = h("dialog", { "aria-labelledby": `${id}-title` },
      h("form", {
        method: "dialog",
        onsubmit: async (event) => {
          event.preventDefault();
          if (go.disabled) return;
          go.disabled = true;
          const done = await attempt(place, async () => {
            result = await work(note.value.trim());
          });
          go.disabled = false;
          if (done) dialog.close();
        },
      },
      h("h2", { id: `${id}-title` }, title), body,
      h("label", { for: `${id}-note` }, "Note"), note, place,
      h("div", { class: "buttons" }, go, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
    note.focus();
  });
}

// Where one is: the namespace, its parts as links, and what there is to see of it.
export function trail(ns, key, here) {
  const tabs = key === undefined
    ? [["keys", "Keys", { ns }], ["time", "Time machine", { ns }], ["feed", "Live", { ns }]]
    : [["value", "Value", { ns, key }], ["history", "History", { ns, key }]];
  return h("nav", { class: "trail", "aria-label": key === undefined ? "Namespace" : "Key" },
    key === undefined ? null : h("a", { href: link("keys", { ns }) }, ns),
    tabs.map(([page, name, parameters]) => h("a", { href: link(page, parameters), "aria-current": page === here ? "page" : null }, name)));
}

const kSparkWidth = 120;
const kSparkHeight = 24;

// Figures over time as a line, the oldest at the left; `text` says the last one.
export function spark(values, text) {
  const most = Math.max(...values, 0) * 1.25; // so that what does not change is no line under its title
  const step = kSparkWidth / Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(kSparkHeight - 1 - (most > 0 ? (v / most) * (kSparkHeight - 3) : 0)).toFixed(1)}`);
  const drawn = values.length > 1 ? s("polyline", { points: points.join(" "), fill: "none" }) : null;
  return s("svg", { class: "spark", viewBox: `0 0 ${kSparkWidth} ${kSparkHeight}`, role: "img", "aria-label": text, preserveAspectRatio: "none" }, drawn);
}

// The last `most` figures of each of at most `names` names; who was not heard of for longest goes first.
export class Rings {
  constructor(most = 60, names = 2000) {
    this.most = most;
    this.names = names;
    this.rings = new Map();
  }
  add(name, value) {
    const ring = this.rings.get(name) ?? [];
    this.rings.delete(name);
    this.rings.set(name, ring);
    ring.push(value);
    if (ring.length > this.most) ring.shift();
    if (this.rings.size > this.names) this.rings.delete(this.rings.keys().next().value);
    return ring;
  }
}
