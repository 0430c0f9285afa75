// What several pages show: tables, errors, values that may be secret, differences, dialogs, where one is.
import { command, copyButton } from "./copy.mjs";
import { compact } from "./json_text.mjs";
import { freshId, h, replace } from "./dom.mjs";
import { folded, lineDiff, markedLines } from "./line_diff.mjs";
import { ago, clock, cut, exactTime, link, time } from "./text.mjs";

function timed(us, text, properties) {
  return typeof us !== "number" || us === 0 ? "" : h("time", { datetime: new Date(us / 1000).toISOString(), title: exactTime(us), ...properties }, text);
}
export function timeCell(us) {
  return timed(us, time(us));
}
// Of something that is mostly of today.
export function clockCell(us) {
  return timed(us, clock(us));
}
// "3 min ago", which goes on by itself (see tickAges).
export function agoCell(us) {
  return timed(us, ago(us), { class: "ago", "data-us": us });
}
// Writes anew how long ago things were, of all that is shown.
export function tickAges() {
  for (const each of document.querySelectorAll("time.ago")) {
    const now = ago(Number(each.dataset.us));
    if (each.textContent !== now) each.textContent = now;
  }
}

// `columns`: [{title, class, sort, label}]; `order`: the Order that `sort` names a column of. Gives {element, body, columns}. Where
// there is no room the element scrolls sideways by itself; with `stack` each row becomes several lines there, in which `label`
// says whether the title stands before what is in the column.
export function table(caption, columns, { order, stack = false } = {}) {
  const body = h("tbody");
  const head = h("tr", {}, columns.map((c) => {
    const th = h("th", { scope: "col", class: c.class });
    if (c.sort === undefined) th.append(c.title);
    else order.heading(th, c.sort, c.title);
    return th;
  }));
  const kind = `${columns.some((c) => /\b(grow|first)\b/.test(c.class ?? "")) ? "" : "snug"}${stack ? " stack" : ""}`.trim();
  const element = h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: 0 },
    h("table", { class: kind || null }, h("caption", { class: "unseen" }, caption), h("thead", {}, head), body));
  return { element, body, columns };
}

export function row(shown, cells, properties = {}) {
  return h("tr", properties, cells.map((cell, i) => {
    const first = i === 0 && properties.plain === undefined;
    const column = shown.columns[i];
    return h(first ? "th" : "td", { scope: first ? "row" : null, class: column.class, "data-label": column.label ? column.title : null }, cell);
  }));
}

// One of a list of facts.
export function fact(name, value, kind = null) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: kind }, value));
}

export function empty(text) {
  return h("p", { class: "empty" }, text);
}

// There is nothing, and what would change that: a sentence, a command.
export function emptyState(text, told, line) {
  return h("div", { class: "nothing" }, h("p", { class: "title" }, text), told === null ? null : h("p", {}, told), line === undefined ? null : command(line));
}

// The path of a key in soft, so that what tells it from its neighbours stands out.
export function keyName(key) {
  const cutAt = key.slice(0, -1).lastIndexOf("/") + 1;
  return cutAt === 0 ? key : [h("span", { class: "path" }, key.slice(0, cutAt)), key.slice(cutAt)];
}

// What to do about a refusal that does not say it itself.
const kAdvice = {
  unreachable: "Nothing was shown or written that you do not see here. Try again when it is back.",
  permission_denied: "An administrator can allow it, with another token or a role in the policy.",
  compacted: "Nothing is kept from so long ago: history begins at the revision shown below as floor.",
  other_history: "The broker holds other data now, perhaps from a backup. Reload the page to see it.",
  overloaded: "It accepts nothing more from you right now. Try again in a while.",
  unavailable: "Try again in a moment.",
  timeout: "It may have gone through. Trying again from here is safe: nothing is done twice.",
  read_only: "The disk or the quota is full: deletes go through, and the page Broker says how much room there is.",
  internal: "The broker's log says more.",
};

// What the broker refused, as it said it, and what to do about it.
export function errorBox(error) {
  const details = error.details ?? {};
  const told = ["field", "path", "reason", "rev", "floor", "limit", "size", "retry_after_ms"]
    .filter((name) => details[name] !== undefined)
    .map((name) => [h("dt", {}, name), h("dd", {}, String(details[name]))]);
  return h("div", { class: "error", role: "alert" },
    h("p", {}, error.code === undefined ? null : h("code", {}, error.code), " ", error.message),
    Object.hasOwn(kAdvice, error.code ?? "") ? h("p", { class: "about" }, kAdvice[error.code]) : null,
    told.length > 0 ? h("dl", {}, told) : null);
}

// A refusal of what somebody may ask for again.
export function errorAgain(error, again) {
  return [errorBox(error), h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => again() }, "Try again"))];
}

// Runs `work`; what goes wrong is shown in `place`, with a button for `again` where it is given. True: it went well.
export async function attempt(place, work, again = null) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    if (error.code === undefined) console.error(error);
    replace(place, again === null ? errorBox(error) : errorAgain(error, again));
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
    h("span", { class: "sign" }, sign), h("span", { class: "line" }, typeof line === "string" ? line : [line[0], h("mark", {}, line[1]), line[2]]));
}

// A text beside differences of it; null: there is none.
export function textView(text, label) {
  const lines = text === null ? h("div", { class: "fold" }, "Not there") : bounded(text.split("\n")).map((line, i) => (typeof line === "string" ? diffLine("same", i + 1, null, " ", line) : line));
  return h("div", { class: "diff", role: "region", "aria-label": `${label}: the whole text`, tabindex: 0 }, lines);
}

// Two texts, line by line; null: there is none.
export function diffView(before, after, label) {
  const rows = markedLines(lineDiff(before, after));
  const summary = `${rows.filter((r) => r.op === "-").length} lines less, ${rows.filter((r) => r.op === "+").length} lines more`;
  const lines = bounded(folded(rows)).map((each) => {
    if (each instanceof Node) return each;
    if (each.op === "…") return h("div", { class: "fold" }, `${each.count} equal line${each.count === 1 ? "" : "s"}`);
    const kind = { "+": "more", "-": "less", "=": "same" }[each.op];
    return diffLine(kind, each.before, each.after, each.op === "=" ? " " : each.op, each.marked ?? each.line);
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
      h("label", { for: `${id}-note`, class: "above" }, "Note"), note, place,
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

// What a dialog is about.
export function subject(ns, key) {
  return h("p", { class: "subject" }, h("code", {}, ns), key === undefined ? null : [" ", h("code", { class: "name" }, key)]);
}

// Where one is: all namespaces, then each part of this one, where the parts above the last show what is below them. `isHere`: the
// page is that of the namespace, whose heading says the rest.
export function crumbs(ns, isHere) {
  const names = ns.split(".");
  const above = names.slice(0, -1).map((name, i) => [h("a", { href: link("", { find: `${names.slice(0, i + 1).join(".")}.` }) }, name), "."]);
  return h("nav", { class: "crumbs", "aria-label": "Where" }, h("a", { href: "#/" }, "Namespaces"),
    above.length === 0 && isHere ? null : h("span", { class: "slash", "aria-hidden": "true" }, "/"),
    h("span", { class: "parts" }, above, isHere ? null : h("a", { href: link("keys", { ns }) }, names.at(-1))));
}

// What there is to see of a namespace or a key.
export function tabs(ns, key, here) {
  const all = key === undefined
    ? [["keys", "Keys", { ns }], ["time", "Time machine", { ns }], ["feed", "Live", { ns }], ["subscribers", "Subscribers", { ns }]]
    : [["value", "Value", { ns, key }], ["history", "History", { ns, key }]];
  return h("nav", { class: "tabs", "aria-label": key === undefined ? "Of this namespace" : "Of this key" },
    all.map(([page, name, parameters]) => h("a", { href: link(page, parameters), "aria-current": page === here ? "page" : null }, name)));
}

// The name of what the page is about, beside its heading.
export function copyName(heading, what, name) {
  heading.after(copyButton(`Copy the ${what}`, name));
}
