// The keys of one namespace: found by a part of their name or a glob, page by page, sorted by what is asked for.
import * as api from "./api.mjs";
import { h, replace, say } from "./dom.mjs";
import * as live from "./live.mjs";
import { newKeyForm } from "./new_key.mjs";
import { agoCell, attempt, copyName, empty, emptyState, keyName, revealButton, row, table, tabs, valueCell } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { Order } from "./sort.mjs";
import { count, globOf, link, many, prismbusLine } from "./text.mjs";

const kPage = 200; // keys
const kPageSorted = 1000; // ... of which more are wanted at once
const kSortedMost = 5000; // keys that are fetched to be sorted: a browser is slow with more rows
const kPause = 250; // ms of typing

const kOrders = {
  key: { of: (each) => each.key },
  rev: { of: (each) => each.rev, down: true },
  version: { of: (each) => each.version, down: true },
  time: { of: (each) => each.time, down: true },
  by: { of: (each) => each.by },
};

class Keys {
  constructor(place, ns, find, secret, signal) {
    Object.assign(this, { ns, signal, masked: secret, entries: [], asked: 0 });
    this.order = new Order(kOrders, "key", () => this.sorted());
    this.field = h("input", { type: "search", id: "find", value: find, autocomplete: "off", spellcheck: "false", "aria-describedby": "find-about" });
    this.told = h("span", { class: "count", role: "status" });
    this.wrong = h("div");
    this.after = h("div", { class: "buttons" });
    this.changed = h("div");
    this.shown = table("Keys", [
      { title: "Key", class: "key", sort: "key" }, { title: "Value", class: "grow" }, { title: "Revision", class: "number wide", sort: "rev" },
      { title: "Version", class: "number wide", sort: "version" }, { title: "Changed", class: "wide", sort: "time" }, { title: "By", class: "wide", sort: "by" },
    ], { order: this.order, stack: true });
    this.shown.element.hidden = true;
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), kPause);
    });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    const search = h("form", {
      class: "tools", role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        this.search();
      },
    }, h("label", { for: "find" }, "Find"), this.field, h("button", { type: "submit" }, "Search"),
    h("span", { id: "find-about", class: "about" }, "part of a key, or a glob: ", h("code", {}, "?"), " ", h("code", {}, "*"), " ", h("code", {}, "**")), this.told);
    replace(place, tabs(ns, undefined, "keys"), h("div", { class: "apart" }, search, session.mayWrite(ns) === "yes" ? newKeyForm(ns) : null),
      secret ? h("div", { class: "tools" }, h("span", { class: "badge" }, "secret"), revealButton((shows) => {
        this.masked = !shows;
        this.draw();
      })) : null, this.wrong, this.changed, this.shown.element, this.after);
  }

  search() {
    clearTimeout(this.timer);
    history.replaceState(null, "", link("keys", { ns: this.ns, find: this.field.value }));
    return this.load(true);
  }

  // Another order: of all keys, so they are fetched, as far as that goes.
  async sorted() {
    if (this.order.natural) return this.load(true);
    return this.load(false, kSortedMost);
  }

  // `fresh`: from the first page on; `most`: up to so many, rather than a page more.
  async load(fresh, most = 0) {
    const mine = ++this.asked;
    await attempt(this.wrong, async () => {
      const entries = fresh ? [] : [...this.entries];
      let next = fresh ? undefined : this.next;
      if (fresh && !this.order.natural) most = kSortedMost;
      for (let first = true; first || (next !== undefined && entries.length < most); first = false) {
        if (!fresh && first && next === undefined) break; // they are all here
        const page = await api.list(this.ns, { glob: globOf(this.field.value), after: next, limit: most > 0 ? Math.min(kPageSorted, most - entries.length) : kPage, signal: this.signal });
        if (mine !== this.asked) return; // something else was asked for meanwhile
        for (const each of page.entries) entries.push(each);
        next = page.more ? page.after : undefined;
        Object.assign(this, { rev: page.rev, epoch: page.epoch });
      }
      replace(this.wrong);
      Object.assign(this, { entries, next });
      if (fresh) replace(this.changed);
      this.draw();
    }, () => this.load(fresh, most));
  }

  line(each) {
    return row(this.shown, [
      h("a", { href: link("value", { ns: this.ns, key: each.key }) }, keyName(each.key)), valueCell(each.value, { masked: this.masked }), count(each.rev), count(each.version),
      agoCell(each.time), each.by,
    ]);
  }

  draw() {
    const more = this.next !== undefined;
    const entries = this.order.natural ? this.entries : [...this.entries].sort(this.order.compare);
    replace(this.shown.body, entries.map((each) => this.line(each)));
    this.shown.element.hidden = entries.length === 0;
    this.told.textContent = `${many(entries.length, "key", more)} at revision ${count(this.rev)}`;
    replace(this.after, entries.length === 0 && !more ? this.nothing() : null,
      more && !this.order.natural ? empty(`Sorted are the first ${count(entries.length)} by name: a search finds fewer.`) : null,
      more && this.order.natural ? h("button", { type: "button", onclick: () => this.load(false) }, "More keys") : null);
  }

  nothing() {
    if (this.field.value !== "") return emptyState("No key matches.", "Without * or ? the text is searched for anywhere in a key.");
    const line = prismbusLine("put", [this.ns, "some/key", "0.01"]);
    return session.mayWrite(this.ns) === "yes" ? emptyState("No key here.", "Name one above, or write it from a shell:", line) : emptyState("No key here.", null);
  }

  // `rev`: undefined when it is another history, in which there is nothing here.
  heard(rev) {
    if (this.changed.firstChild !== null || this.rev === undefined) return;
    say("The namespace has changed");
    replace(this.changed, h("p", { class: "notice" }, rev === undefined ? "Changed meanwhile. " : `Changed to revision ${count(rev)} meanwhile. `, h("button", { type: "button", onclick: () => this.load(true) }, "Show it")));
  }
}

export async function keysPage(place, { ns = "", find = "" }, signal, heading) {
  heading.textContent = ns;
  document.title = `${ns} – prismbus`;
  copyName(heading, "namespace", ns);
  const keys = new Keys(place, ns, find, await secrets.isSecret(ns, signal), signal);
  await keys.load(true);
  live.subscribe({ ns, subtree: false }, {
    change: (set) => keys.heard(set.rev),
    subscribed: (told) => live.missed(told, ns, keys) && keys.heard(told.heads[ns]?.rev),
  }, signal);
}
