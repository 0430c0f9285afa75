// A value that somebody else changed while it was being edited: what the edit began with, what was typed, and what is stored by
// now, each against the first.
import { h } from "./dom.mjs";
import { pretty } from "./json_text.mjs";
import { diffView, errorBox, textView } from "./parts.mjs";
import { count, time } from "./text.mjs";

function textOf(stored) {
  return stored === null ? null : pretty(stored.entry.value);
}

function about(stored) {
  if (stored === null) return "not there";
  return `revision ${count(stored.entry.rev)}, ${time(stored.entry.time)}, by ${stored.entry.by}`;
}

// `base`, `theirs`: {entry, etag}, or null when the key is not there; `mine`: text; `error`:
// how the broker refused it, if it did. `take` and `goOn` do what their buttons say.
export function conflictView({ base, mine, theirs, error, take, goOn }) {
  const column = (title, sentence, shown) => h("section", {}, h("h3", {}, title), h("p", { class: "about" }, sentence), shown);
  const first = textOf(base);
  return h("section", { class: "conflict" },
    h("h2", { tabindex: -1 }, "Changed by somebody else meanwhile"), error === undefined ? null : errorBox(error),
    h("div", { class: "three" },
      column("Where you began", about(base), textView(first, "Where you began")),
      column("Yours", "not saved", diffView(first, mine, "Yours")),
      column("Theirs", about(theirs), diffView(first, textOf(theirs), "Theirs"))),
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: take }, "Take theirs"),
      h("button", { type: "button", class: "main", onclick: goOn }, "Keep mine, on top of theirs")));
}
