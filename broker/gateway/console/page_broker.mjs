// The broker itself: what it does a second, how its disk keeps up, what waits, what its limits refused. Figures are those of
// /status, asked again and again; rates are differences between two answers.
import * as api from "./api.mjs";
import { h, poll, replace } from "./dom.mjs";
import { attempt, empty, fact } from "./parts.mjs";
import { histogramOf, quantile, sinceBefore } from "./prometheus_text.mjs";
import { Rings, spark } from "./spark.mjs";
import { bytes, count, micros } from "./text.mjs";

const kEvery = 2000; // ms
const kKept = 90; // figures of a line
const kSync = "prismbus_journal_sync_duration_seconds";

function perSecond(n) {
  return `${n < 10 ? n.toFixed(1) : count(Math.round(n))} /s`;
}

// [title, name, how]: rate = difference a second, else how it is written.
const kGroups = [
  ["Throughput", [
    ["Requests", "requests", "rate"], ["Writes", "writes", "rate"], ["Change sets out", "sets", "rate"], ["Frames out", "frames", "rate"],
    ["Acknowledgements", "acks", "rate"], ["Refusals", "errors", "rate"],
  ]],
  ["Journal and store", [
    ["Used", "store_used", bytes], ["Reusable", "store_reusable", bytes], ["Disk free", "disk_free", bytes], ["Not yet in the state", "unfolded", count],
    ["Applied, not folded", "recent_bytes", bytes], ["Writes not durable yet", "pending_writes", count],
  ]],
  ["At work", [
    ["Connections", "connections", count], ["Followers", "followers", count], ["Requests in flight", "in_flight", count], ["Waiting for a revision", "parked", count],
    ["Reads waiting", "reads_waiting", count], ["Write sessions", "sessions", count],
  ]],
];
const kKnown = new Set(kGroups.flatMap(([, figures]) => figures.map(([, name]) => name)));

function uptime(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

function writesFact(status) {
  return fact("Writes", status.read_only ? "refused: read-only" : "taken", status.read_only ? "bad" : null);
}

class Figure {
  constructor(title) {
    this.now = h("span", { class: "now" }, "…");
    this.most = h("span", { class: "most" });
    this.line = h("span", { class: "line" });
    this.element = h("div", { class: "figure" }, h("span", { class: "title" }, title), this.now, this.most, this.line);
  }
  // `how` writes a figure of `ring`.
  set(text, ring, title, how) {
    this.now.textContent = text;
    const most = Math.max(...ring);
    this.most.textContent = how(most) === text ? "" : `highest ${how(most)}`;
    replace(this.line, spark(ring, `${title}: ${text}, highest ${how(most)}`));
  }
}

class BrokerFigures {
  constructor(place) {
    this.rings = new Rings(kKept);
    this.facts = h("dl", { class: "facts" });
    this.refused = h("div");
    this.figures = new Map();
    const groups = kGroups.map(([title, figures]) => h("section", { class: "group" }, h("h2", {}, title), h("div", { class: "figures" },
      figures.map(([name, key]) => this.figure(key, name)), title === "Journal and store" ? this.syncFigures() : null)));
    replace(place, this.facts, groups, h("section", { class: "group" }, h("h2", {}, "Refused and cut since the start"), this.refused),
      h("p", { class: "about" }, `Lines are of the last ${Math.round((kKept * kEvery) / 60000)} minutes that this page was open. More of them, for Prometheus: `, h("code", {}, "/metrics"), "."));
  }
  syncFigures() {
    this.sync = h("div", { class: "figures both", hidden: true }, this.figure("sync", "Sync, p50"), this.figure("sync99", "Sync, p99"));
    return this.sync;
  }
  figure(key, title) {
    const made = new Figure(title);
    this.figures.set(key, made);
    return made.element;
  }

  set(status, at) {
    replace(this.facts, fact("Server", status.server), writesFact(status),
      fact("Up", uptime(status.uptime_ms)), fact("Revision", count(status.applied)), fact("History from", count(status.floor)), fact("Epoch", h("code", {}, status.epoch)),
      fact("Run", h("code", {}, status.run)), fact("Heartbeat", `${count(status.heartbeat_ms)} ms`), status.backup ? fact("Backup", "under way", "warn") : null);
    const now = { ...status, unfolded: status.applied - status.folded };
    const seconds = this.last === undefined ? 0 : (at - this.last.at) / 1000;
    for (const [, figures] of kGroups) {
      for (const [title, name, how] of figures) {
        if (how !== "rate") this.figures.get(name).set(how(now[name]), this.rings.add(name, now[name]), title, how);
        else if (seconds > 0 && this.last.run === status.run) {
          const rate = Math.max(0, now[name] - this.last.now[name]) / seconds;
          this.figures.get(name).set(perSecond(rate), this.rings.add(name, rate), title, perSecond);
        }
      }
    }
    this.last = { at, now, run: status.run };
    this.drawRefused(status);
  }

  drawRefused(status) {
    const named = Object.entries(status).filter(([name, n]) => /^(refused|cut)_/.test(name) && !kKnown.has(name) && typeof n === "number");
    const some = named.filter(([, n]) => n > 0);
    replace(this.refused, some.length === 0 ? empty(`Nothing: none of the ${named.length} limits was reached.`)
      : h("dl", { class: "facts" }, some.map(([name, n]) => fact(name.replaceAll("_", " "), count(n), "warn"))));
  }

  // How long the journal took to be on the disk, of the batches since the last time.
  setSync(text) {
    const now = histogramOf(text, kSync);
    if (now === null) return;
    this.sync.hidden = false;
    const span = this.lastSync === undefined ? now : sinceBefore(now, this.lastSync);
    this.lastSync = now;
    if (span.count === 0) {
      if (this.rings.rings.get("sync") === undefined) this.figures.get("sync").now.textContent = this.figures.get("sync99").now.textContent = "none yet";
      return;
    }
    for (const [name, q, title] of [["sync", 0.5, "Sync, p50"], ["sync99", 0.99, "Sync, p99"]]) {
      const us = quantile(span, q) * 1e6;
      const how = (figure) => `≤ ${micros(figure)}`;
      this.figures.get(name).set(how(us), this.rings.add(name, us), title, how);
    }
  }
}

export async function brokerPage(place, parameters, signal) {
  const wrong = h("div");
  const below = h("div");
  place.append(wrong, below);
  let figures = null;
  await poll(() => attempt(wrong, async () => {
    const status = await api.status(signal);
    replace(wrong);
    if (status.applied === undefined) {
      replace(below, h("dl", { class: "facts" }, fact("Server", status.server), writesFact(status)),
        empty("All other figures are for administrators: the token needs admin on **."));
      return;
    }
    figures ??= new BrokerFigures(below);
    figures.set(status, performance.now());
    figures.setSync(await api.metrics(signal));
  }), kEvery, signal);
}
