// Changes as they happen, newest first, as many as fit: of everything, or of what the filter names.
import { h, replace, say } from "./dom.mjs";
import * as live from "./live.mjs";
import { nsField } from "./ns_field.mjs";
import { clockCell, emptyState, keyName, row, table, tabs, valueCell } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import { count, globOf, link, many, prismbusLine } from "./text.mjs";

const kMost = 500; // changes that are kept
const kOfOneSet = 100; // changes of one set that are shown
const kDraw = 200; // ms between two drawings
const kSay = 5000; // ms between two announcements

class Feed {
  constructor(place, { ns = "", key = "", below = "yes" }, signal) {
    this.signal = signal;
    this.rows = []; // {set, change}, newest first; `change` null: so many more, or a gap
    this.seen = 0;
    this.unsaid = 0;
    this.state = h("p", { class: "notice", role: "status" });
    this.told = h("span", { class: "count" });
    this.none = h("div");
    this.pauseButton = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.pause() }, "Pause");
    const [field, names] = nsField({ id: "feed-ns", value: ns, placeholder: "all" }, signal);
    this.nsField = field;
    this.below = h("input", { type: "checkbox", id: "feed-below", checked: below !== "no" });
    this.keyField = h("input", { type: "text", id: "feed-key", value: key, "data-find": true, autocomplete: "off", spellcheck: "false", placeholder: "part of a key, or a glob" });
    this.shown = table("Changes, newest first", [
      { title: "Time" }, { title: "Namespace" }, { title: "Key", class: "key" }, { title: "Value", class: "grow" }, { title: "Revision", class: "number", label: true }, { title: "By" }, { title: "Note", class: "wide" },
    ], { stack: true });
    replace(place, ns === "" ? null : tabs(ns, undefined, "feed"), h("form", {
      class: "tools",
      onsubmit: (event) => {
        event.preventDefault();
        history.replaceState(null, "", link("feed", { ns: this.nsField.value.trim(), key: this.keyField.value, below: this.below.checked ? null : "no" }));
        this.follow();
      },
    }, h("label", { for: "feed-ns" }, "Namespace"), this.nsField, names, h("label", { class: "check" }, this.below, "and below"),
    h("label", { for: "feed-key" }, "Key"), this.keyField, h("button", { type: "submit" }, "Filter"), this.pauseButton,
    h("button", { type: "button", onclick: () => this.clear() }, "Clear"), this.told), this.state, this.shown.element, this.none);
    live.watchState((state) => this.tellState(state), signal);
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  tellState(state) {
    this.connection = state;
    const text = {
      off: "", connecting: "Connecting…", live: this.refused ?? "",
      waiting: `${state.why === "refused" ? "The broker refuses the stream of changes." : "The stream of changes cannot be reached."} Next try in ${state.seconds} s.`,
    }[state.name];
    this.state.textContent = text;
    this.state.hidden = text === "";
  }

  // A subscription of its own for each filter: the broker sends what matches and nothing else.
  follow() {
    this.filter?.abort();
    this.filter = new AbortController();
    this.signal.addEventListener("abort", () => this.filter.abort());
    this.refused = undefined;
    this.joined = false;
    this.clear();
    const ns = this.nsField.value.trim();
    this.pauseButton.setAttribute("aria-pressed", "false");
    this.pauseButton.textContent = "Pause";
    this.subscription = live.subscribe({ ns, subtree: ns === "" || this.below.checked, glob: globOf(this.keyField.value) ?? "**" }, {
      subscribed: () => {
        if (this.joined) this.push({ set: { ns: "" }, change: null, told: "the connection was made anew here: changes in between are not shown" });
        this.joined = true;
        this.tellState(this.connection);
      },
      change: (set) => this.add(set),
      gap: (gap) => {
        this.joined = false;
        this.push({ set: gap, change: null, told: gap.seq === 0 ? "may be read from here on" : "changes were left out here: this page was too slow" });
      },
      error: (error) => {
        this.refused = `${error.code}: ${error.message}`;
        this.tellState(this.connection);
      },
    }, this.filter.signal);
  }

  pause() {
    const paused = this.pauseButton.getAttribute("aria-pressed") === "false";
    this.pauseButton.setAttribute("aria-pressed", String(paused));
    this.pauseButton.textContent = paused ? "Resume" : "Pause";
    if (paused) this.subscription.pause();
    else this.subscription.resume();
    say(paused ? "Paused" : "Goes on");
  }

  clear() {
    this.rows = [];
    this.seen = 0;
    this.later();
  }

  push(each) {
    this.rows.unshift(each);
    if (this.rows.length > kMost) this.rows.length = kMost;
    this.later();
  }

  add(set) {
    const shown = set.changes.slice(0, kOfOneSet);
    this.seen += set.changes.length;
    this.unsaid += set.changes.length;
    if (set.changes.length > shown.length) this.push({ set, change: null, told: `and ${count(set.changes.length - shown.length)} more` });
    for (const change of shown) this.push({ set, change });
    if (secrets.known(set.ns) === undefined) secrets.isSecret(set.ns, this.signal).then(() => this.later(), () => {});
  }

  later() {
    this.timer ??= setTimeout(() => this.draw(), kDraw);
  }

  line({ set, change, told }) {
    if (change === null) return row(this.shown, [set.time === undefined ? "" : clockCell(set.time), set.ns, "", h("em", {}, told), "", "", ""]);
    // Until it is known not to be secret it is hidden.
    const masked = secrets.known(set.ns) !== false;
    return row(this.shown, [
      clockCell(set.time), h("a", { class: "quiet", href: link("keys", { ns: set.ns }) }, set.ns),
      h("a", { href: link(change.op === "delete" ? "history" : "value", { ns: set.ns, key: change.key }) }, keyName(change.key)),
      change.op === "delete" ? h("span", { class: "bad" }, "deleted") : valueCell(change.value, { masked }), count(set.rev), set.by, set.note ?? "",
    ]);
  }

  draw() {
    this.timer = null;
    replace(this.shown.body, this.rows.map((each) => this.line(each)));
    this.shown.element.hidden = this.rows.length === 0;
    if (this.rows.length > 0) replace(this.none);
    else if (this.none.firstChild === null) {
      replace(this.none, emptyState("Nothing yet.", "Changes appear here as they happen, newest first. To make one from a shell:",
        prismbusLine("put", [this.nsField.value.trim() || "market.binance", "BTCUSDT/tick_size", "0.01"])));
    }
    this.told.textContent = `${many(this.seen, "change")}${this.seen > kMost ? `, the last ${count(kMost)} shown` : ""}`;
    const now = Date.now();
    if (this.unsaid > 0 && now - (this.said ?? 0) > kSay) {
      say(this.unsaid === 1 ? `${this.rows[0].set.ns} ${this.rows[0].change?.key ?? ""} changed` : `${this.unsaid} changes`);
      this.said = now;
      this.unsaid = 0;
    }
  }
}

export async function feedPage(place, parameters, signal) {
  if (parameters.ns) document.title = `${parameters.ns}, live – prismbus`;
  new Feed(place, parameters, signal).follow();
}
