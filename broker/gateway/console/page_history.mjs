// What each transaction did to one key, newest first: two versions compared, one taken back.
import * as api from "./api.mjs";
import { h, replace, say } from "./dom.mjs";
import { pretty } from "./json_text.mjs";
import * as live from "./live.mjs";
import { attempt, confirm, diffView, copyName, empty, emptyState, errorBox, revealButton, row, subject, table, tabs, timeCell, valueCell } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { count, link } from "./text.mjs";

const kPage = 100; // versions
const kPagesAtOnce = 10; // that are read to find the versions that the address names

function textOf(version) {
  return version === undefined || version.value === undefined ? null : pretty(version.value);
}

class History {
  constructor(place, ns, key, secret, signal) {
    Object.assign(this, { ns, key, signal, masked: secret, versions: [], before: null, after: null });
    this.wrong = h("div");
    this.notice = h("div");
    this.compared = h("div");
    this.more = h("div", { class: "buttons" });
    this.shown = table("Versions", [
      { title: "Revision", class: "number" }, { title: "From", label: true }, { title: "To", label: true }, { title: "Version", class: "number wide" }, { title: "Time" }, { title: "By" },
      { title: "Value", class: "grow" }, { title: "Note", class: "note-cell" }, { title: "" },
    ], { stack: true });
    this.shown.element.hidden = true;
    replace(place, tabs(ns, key, "history"), secret ? h("div", { class: "tools" }, h("span", { class: "badge" }, "secret"), revealButton((shows) => {
      this.masked = !shows;
      this.draw();
    })) : null, this.notice, this.wrong, this.shown.element, this.more, this.compared);
  }

  async load(fresh) {
    const page = await api.history(this.ns, this.key, { after: fresh ? undefined : this.next, limit: kPage, signal: this.signal });
    if (fresh) {
      this.versions = [];
      this.before = page.versions[1]?.rev ?? null;
      this.after = page.versions[0]?.rev ?? null;
    }
    this.versions.push(...page.versions);
    this.next = page.more ? page.after : undefined;
    Object.assign(this, { epoch: page.epoch, rev: page.rev });
    this.shown.element.hidden = this.versions.length === 0;
    replace(this.more, this.versions.length === 0 ? emptyState("Nothing of it is kept.", "Nobody has written this key, or what was written is older than the history that is kept.") : null,
      page.more ? h("button", { type: "button", onclick: () => attempt(this.wrong, () => this.load(false)) }, "Older versions") : null);
    this.draw();
  }

  // Compares the versions that an address names, as far back as they are looked for.
  async choose(from, to) {
    const wanted = [from, to].map(Number).filter((rev) => rev > 0);
    for (let i = 0; i < kPagesAtOnce && this.next !== undefined && wanted.some((rev) => this.at(rev) === undefined); i++) await this.load(false);
    if (this.at(Number(from)) !== undefined) this.before = Number(from);
    if (this.at(Number(to)) !== undefined) this.after = Number(to);
    if (wanted.length > 0) this.draw();
  }

  draw() {
    const may = session.mayWrite(this.ns) === "yes";
    const choose = (side, version) => h("input", {
      type: "radio", name: side, value: String(version.rev), checked: this[side] === version.rev,
      "aria-label": `${side === "before" ? "From" : "To"} revision ${version.rev}`,
      onchange: () => {
        this[side] = version.rev;
        history.replaceState(null, "", link("history", { ns: this.ns, key: this.key, from: this.before, to: this.after }));
        this.compare();
      },
    });
    replace(this.shown.body, this.versions.map((version, i) => row(this.shown, [
      count(version.rev), choose("before", version), choose("after", version), version.version === undefined ? "" : count(version.version), timeCell(version.time), version.by,
      version.op === "delete" ? h("span", { class: "none" }, "deleted") : valueCell(version.value, { masked: this.masked, most: 120 }),
      h("span", { class: "note" }, version.note ?? ""),
      may && i > 0 ? h("button", { type: "button", onclick: () => this.rollback(version), "aria-label": `Roll back to revision ${version.rev}` }, "Roll back") : null,
    ])));
    this.compare();
  }

  at(rev) {
    return this.versions.find((each) => each.rev === rev);
  }

  compare() {
    if (this.before === null || this.after === null) return replace(this.compared);
    const title = `Revision ${count(this.before)} → ${count(this.after)}`;
    return replace(this.compared, h("h2", {}, title), this.masked ? empty("The values are hidden.") : diffView(textOf(this.at(this.before)), textOf(this.at(this.after)), title));
  }

  // Tells of what is newer than what is shown.
  heard() {
    if (this.notice.firstChild !== null) return;
    say("The key has changed");
    replace(this.notice, h("p", { class: "notice" }, "There are newer versions. ", h("button", { type: "button", onclick: () => attempt(this.wrong, async () => {
      await this.load(true);
      replace(this.notice);
    }) }, "Show them")));
  }

  async rollback(version) {
    const id = api.writeId();
    const done = await confirm({
      title: `Roll back to revision ${count(version.rev)}?`,
      body: [subject(this.ns, this.key), h("p", {}, version.op === "delete" ? "It was deleted then: it will be deleted." : "It becomes what it was then, as a new version."),
        this.masked ? empty("The values are hidden.") : diffView(textOf(this.versions[0]), textOf(version), "What changes")],
      action: "Roll back",
      work: async (note) => {
        try {
          return await api.rollback(this.ns, { key: this.key, to: version.rev, epoch: this.epoch, note, id });
        } catch (error) {
          if (error.code !== "permission_denied") throw error;
          return { error };
        }
      },
    });
    if (done === null) return;
    if (done.error !== undefined) {
      session.writeDenied(this.ns);
      this.draw();
      replace(this.wrong, errorBox(done.error));
      return;
    }
    const told = done.changes === 0 ? "Nothing to do: it is what it was then." : `Rolled back; revision ${count(done.rev)}.`;
    await attempt(this.wrong, () => this.load(true));
    replace(this.notice, h("p", { class: "notice" }, told));
    say(told);
  }
}

export async function historyPage(place, { ns = "", key = "", from, to }, signal, heading) {
  heading.textContent = key;
  heading.className = "key";
  document.title = `History of ${key} in ${ns} – prismbus`;
  copyName(heading, "key", key);
  const shown = new History(place, ns, key, await secrets.isSecret(ns, signal), signal);
  await shown.load(true);
  await shown.choose(from, to);
  live.subscribe({ ns, subtree: false }, {
    change: (set) => set.rev > (shown.versions[0]?.rev ?? 0) && set.changes.some((each) => each.key === key) && shown.heard(),
    subscribed: (told) => live.missed(told, ns, shown) && attempt(shown.wrong, async () => {
      const page = await api.history(ns, key, { limit: 1, signal });
      if (page.epoch !== shown.epoch || page.versions[0]?.rev !== shown.versions[0]?.rev) shown.heard();
    }),
  }, signal);
}
