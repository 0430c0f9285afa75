// A namespace as it was at a moment or a revision, and what has changed since.
import * as api from "./api.mjs";
import { h, replace, say } from "./dom.mjs";
import { nsField } from "./ns_field.mjs";
import { agoCell, attempt, confirm, empty, emptyState, keyName, revealButton, row, table, tabs, valueCell } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { count, fromLocalInput, link, localInput, many, prismbusLine } from "./text.mjs";

const kPage = 200; // keys
const kBack = [["5 min ago", 300], ["1 h ago", 3600], ["1 day ago", 86400]];

function form(ns, at, atTime, signal) {
  const [name, names] = nsField({ id: "time-ns", value: ns, required: true }, signal);
  const moment = h("input", { type: "datetime-local", id: "time-at", step: 1, value: atTime === undefined ? "" : localInput(Number(atTime)) });
  const revision = h("input", { type: "text", id: "time-rev", value: at ?? "", inputmode: "numeric", pattern: "[0-9]*", autocomplete: "off" });
  moment.addEventListener("input", () => (revision.value = ""));
  revision.addEventListener("input", () => (moment.value = ""));
  const go = (parameters) => {
    if (name.value.trim() === "") name.focus();
    else location.hash = link("time", { ns: name.value.trim(), ...parameters });
  };
  return h("form", {
    class: "tools",
    onsubmit: (event) => {
      event.preventDefault();
      if (revision.value !== "") go({ at: revision.value });
      else if (moment.value !== "") go({ at_time: fromLocalInput(moment.value) });
      else moment.focus();
    },
  }, h("label", { for: "time-ns" }, "Namespace"), name, names, h("label", { for: "time-at" }, "At"), moment, h("label", { for: "time-rev" }, "or revision"), revision,
  h("button", { type: "submit", class: "main" }, "Show"),
  kBack.map(([title, seconds]) => h("button", { type: "button", onclick: () => go({ at_time: (Math.floor(Date.now() / 1000) - seconds) * 1e6 }) }, title)));
}

class Moment {
  constructor(place, ns, secret, signal) {
    Object.assign(this, { ns, signal, masked: secret, entries: [], changes: [] });
    this.about = h("p", { class: "about" });
    this.wrong = h("div");
    this.moreKeys = h("div", { class: "buttons" });
    this.moreChanges = h("div", { class: "buttons" });
    this.back = h("div", { class: "buttons" });
    const last = [{ title: "Changed", class: "wide" }, { title: "By", class: "wide" }];
    this.differing = table("Changed since then", [
      { title: "Key", class: "key" }, { title: "Then", class: "grow", label: true }, { title: "Now", class: "grow", label: true }, ...last,
    ], { stack: true });
    this.state = table("Everything as it was", [
      { title: "Key", class: "key" }, { title: "Value", class: "grow" }, { title: "Revision", class: "number wide" }, ...last,
    ], { stack: true });
    this.found = h("div", { hidden: true });
    place.append(this.about, this.wrong, this.found);
    replace(this.found, secret ? h("div", { class: "tools" }, h("span", { class: "badge" }, "secret"), revealButton((shows) => {
      this.masked = !shows;
      this.draw();
    })) : null, h("h2", {}, "Changed since then"), this.differing.element, this.moreChanges, this.back,
    h("h2", {}, "Everything as it was"), this.state.element, this.moreKeys);
  }

  async load(at, atTime) {
    // Of a revision that is to come the broker would wait for a while.
    const known = at === undefined ? null : (await api.list(this.ns, { limit: 1, signal: this.signal })).rev;
    if (known !== null && Number(at) > known) {
      replace(this.about, `Revision ${count(Number(at))} is still to come: now it is revision ${count(known)}. `, h("a", { href: link("time", { ns: this.ns, at: known }) }, "Show that"));
      return;
    }
    const page = await api.list(this.ns, { at, atTime, limit: kPage, signal: this.signal });
    this.at = page.at;
    this.epoch = page.epoch;
    this.about.textContent = `${this.ns} at revision ${count(this.at)}; now it is revision ${count(page.rev)}.`;
    this.take(page);
    this.takeChanges(await api.diff(this.ns, { from: this.at, to: 0, epoch: this.epoch, signal: this.signal }));
    this.found.hidden = false;
    this.draw();
  }
  take(page) {
    this.entries.push(...page.entries);
    this.nextKeys = page.more ? page.after : undefined;
  }
  takeChanges(page) {
    this.changes.push(...page.changes);
    this.nextChanges = page.more ? page.after : undefined;
  }

  draw() {
    replace(this.differing.body, this.changes.map((c) => row(this.differing, [
      h("a", { href: link("history", { ns: this.ns, key: c.key }) }, keyName(c.key)), valueCell(c.before?.value, { masked: this.masked }), valueCell(c.after?.value, { masked: this.masked }),
      c.after === undefined ? "" : agoCell(c.after.time), c.after?.by ?? "",
    ])));
    replace(this.state.body, this.entries.map((e) => row(this.state, [
      h("a", { href: link("history", { ns: this.ns, key: e.key }) }, keyName(e.key)), valueCell(e.value, { masked: this.masked }), count(e.rev), agoCell(e.time), e.by,
    ])));
    this.differing.element.hidden = this.changes.length === 0;
    this.state.element.hidden = this.entries.length === 0;
    const more = (next, title, load) => (next === undefined ? null : h("button", { type: "button", onclick: () => attempt(this.wrong, load) }, title));
    replace(this.moreChanges, this.changes.length === 0 && this.nextChanges === undefined ? empty("Nothing: it is as it was.") : null, more(this.nextChanges, "More changes", async () => {
      this.takeChanges(await api.diff(this.ns, { from: this.at, to: 0, epoch: this.epoch, after: this.nextChanges, signal: this.signal }));
      this.draw();
    }));
    replace(this.moreKeys, this.entries.length === 0 && this.nextKeys === undefined ? empty("There was nothing then.") : null, more(this.nextKeys, "More keys", async () => {
      this.take(await api.list(this.ns, { at: this.at, epoch: this.epoch, after: this.nextKeys, limit: kPage, signal: this.signal }));
      this.draw();
    }));
    replace(this.back, this.changes.length > 0 && this.at >= 1 && session.mayWrite(this.ns) === "yes"
      ? h("button", { type: "button", class: "danger", onclick: () => this.rollback() }, `Roll the namespace back to revision ${count(this.at)}`) : null);
  }

  async rollback() {
    const id = api.writeId();
    const done = await confirm({
      title: `Roll ${this.ns} back to revision ${count(this.at)}?`,
      body: h("p", {}, `${many(this.changes.length, "key", this.nextChanges !== undefined)} become what they were then, in one transaction. What was written since stays in the history.`),
      action: "Roll back", danger: true,
      work: (note) => api.rollback(this.ns, { to: this.at, epoch: this.epoch, note, id }),
    });
    if (done === null) return;
    const told = `Rolled back ${many(done.changes, "key")}; revision ${count(done.rev)}.`;
    await attempt(this.wrong, async () => {
      this.changes = [];
      this.takeChanges(await api.diff(this.ns, { from: this.at, to: 0, epoch: this.epoch, signal: this.signal }));
      this.draw();
      replace(this.wrong, h("p", { class: "notice" }, told));
    });
    say(told);
  }
}

export async function timePage(place, { ns = "", at, at_time: atTime }, signal) {
  if (ns !== "") document.title = `${ns}, time machine – prismbus`;
  place.append(ns === "" ? "" : tabs(ns, undefined, "time"), form(ns, at, atTime, signal));
  if (ns === "" || (at === undefined && atTime === undefined)) {
    place.append(emptyState(ns === "" ? "A namespace, and a moment or a revision." : "A moment or a revision.",
      "It shows everything as it was then, as far back as history is kept, and what has changed since; from there it can be rolled back. From a shell:",
      prismbusLine("diff", [ns || "market.binance"], ["--from", "-1h"])));
    return;
  }
  const moment = new Moment(place, ns, await secrets.isSecret(ns, signal), signal);
  const load = () => attempt(moment.wrong, () => moment.load(at, atTime), async () => (await load()) && replace(moment.wrong));
  await load();
}
