// All namespaces as a tree, with what each holds; a row lights up when something in it changes. Beside it what changed last.
import * as api from "./api.mjs";
import { h, poll, redrawn, replace } from "./dom.mjs";
import * as live from "./live.mjs";
import { LatestChanges } from "./latest_changes.mjs";
import { newKeyForm } from "./new_key.mjs";
import { agoCell, attempt, empty, emptyState, row, table } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { Order } from "./sort.mjs";
import { bytes, count, link, many, prismbusLine } from "./text.mjs";

const kMost = 10000; // names
const kOpenUpTo = 200; // names: a tree of fewer begins open
const kLines = 2000; // that are drawn
const kRefresh = 15000; // ms, while no changes are heard of
const kRefreshLive = 120000; // ms, while they are
const kRowsAgain = 700; // ms after a change until its row is asked for anew

// path -> {path, name, row, below: [paths], keys, bytes, time}, and the top ones.
function treeOf(rows) {
  const all = new Map();
  const tops = [];
  const at = (path) => {
    if (all.has(path)) return all.get(path);
    const dot = path.lastIndexOf(".");
    const made = { path, name: path.slice(dot + 1), row: null, below: [], keys: 0, bytes: 0, time: 0 };
    all.set(path, made);
    if (dot < 0) tops.push(made);
    else at(path.slice(0, dot)).below.push(made);
    return made;
  };
  for (const each of rows) at(each.ns).row = each;
  const sum = (node) => {
    node.keys = node.row?.keys ?? 0;
    node.bytes = node.row?.bytes ?? 0;
    node.time = node.row?.time ?? 0;
    for (const below of node.below) {
      sum(below);
      node.keys += below.keys;
      node.bytes += below.bytes;
      node.time = Math.max(node.time, below.time);
    }
  };
  tops.forEach(sum);
  return { all, tops };
}

// What siblings are sorted by.
const kOrders = {
  name: { of: (node) => node.path },
  keys: { of: (node) => node.keys, down: true },
  bytes: { of: (node) => node.bytes, down: true },
  rev: { of: (node) => node.row?.rev, down: true },
  time: { of: (node) => node.time, down: true },
};

class Tree {
  constructor(place, wanted) {
    this.rows = new Map(); // ns -> row of the broker
    this.open = null; // paths; null: not decided yet
    this.wanted = wanted;
    this.lines = new Map(); // path -> tr
    this.order = new Order(kOrders, "name", () => this.draw());
    this.shown = table("Namespaces", [
      { title: "Namespace", sort: "name", class: "first" }, { title: "Keys", class: "number", sort: "keys" }, { title: "Bytes", class: "number", sort: "bytes" },
      { title: "Revision", class: "number", sort: "rev" }, { title: "Seq", class: "number wide" }, { title: "Last change", class: "wide", sort: "time" }, { title: "", class: "wide" },
    ], { order: this.order });
    this.count = h("span", { class: "count" });
    this.none = h("div");
    const field = h("input", { type: "search", id: "find", value: wanted, autocomplete: "off", spellcheck: "false", placeholder: "part of a name" });
    field.addEventListener("input", () => {
      this.wanted = field.value.trim();
      history.replaceState(null, "", link("", { find: this.wanted }));
      this.draw();
    });
    const all = (open) => h("button", { type: "button", class: "quiet", onclick: () => {
      this.open = new Set(open ? treeOf([...this.rows.values()]).all.keys() : []);
      this.draw();
    } }, open ? "Open all" : "Close all");
    this.folds = h("span", { class: "folds", hidden: true }, all(true), all(false));
    replace(place, h("div", { class: "tools" }, h("label", { for: "find" }, "Find"), field, this.count, this.folds), this.shown.element, this.none);
  }

  set(rows, more) {
    this.rows = new Map(rows.map((each) => [each.ns, each]));
    for (const each of rows) secrets.note(each.ns, each.secret === true);
    this.more = more;
    if (this.open === null) this.open = new Set(rows.length <= kOpenUpTo ? treeOf(rows).all.keys() : []);
    this.draw();
  }

  draw() {
    const matching = [...this.rows.values()].filter((each) => each.ns.includes(this.wanted));
    const { tops } = treeOf(matching);
    this.lines.clear();
    const out = [];
    const add = (node, depth) => {
      if (out.length >= kLines) return;
      const open = this.wanted !== "" || this.open.has(node.path);
      const line = this.line(node, depth, open);
      this.lines.set(node.path, line);
      out.push(line);
      if (open) sorted(node.below).forEach((below) => add(below, depth + 1));
    };
    // As they come, they are in the order of the broker, its own last.
    const sorted = (nodes) => (this.order.natural ? nodes : [...nodes].sort(this.order.compare));
    sorted(tops).forEach((node) => add(node, 0));
    this.folds.hidden = this.wanted !== "" || !tops.some((node) => node.below.length > 0);
    this.shown.element.hidden = out.length === 0;
    redrawn(this.shown.body, () => replace(this.shown.body, out));
    this.count.textContent = `${many(matching.length, "namespace", this.more)}, ${many(matching.reduce((n, each) => n + each.keys, 0), "key")}`;
    const ofPeople = [...this.rows.keys()].some((ns) => !ns.startsWith("_"));
    replace(this.none, !ofPeople ? emptyState("Nothing has been written yet.", "A namespace is there with its first key. From a shell:",
      prismbusLine("put", ["market.binance", "BTCUSDT/tick_size", "0.01"])) : null,
      this.rows.size > 0 && out.length === 0 ? empty(`No namespace has ${this.wanted} in its name.`) : null,
      this.more ? empty(`Only the first ${count(this.rows.size)} are here.`) : null,
      out.length >= kLines ? empty(`Only the first ${count(kLines)} lines are shown: a longer part of a name finds the others.`) : null);
  }

  line(node, depth, open) {
    const fold = node.below.length === 0 ? h("span", { class: "fold-space" }) : h("button", {
      type: "button", class: "fold-button", "aria-expanded": String(open), "aria-label": `${open ? "Close" : "Open"} ${node.path}`,
      "data-focus": `fold ${node.path}`,
      onclick: () => {
        if (open) this.open.delete(node.path);
        else this.open.add(node.path);
        this.draw();
      },
    }, open ? "▾" : "▸");
    const name = node.row === null ? h("span", { class: "group" }, node.name) : h("a", { href: link("keys", { ns: node.path }), "data-focus": `link ${node.path}` }, node.name);
    const whole = node.row === null || (node.below.length > 0 && !open); // then what is below counts too
    const r = node.row;
    const badges = r === null ? null : [r.lane === "express" ? h("span", { class: "badge" }, "express") : null, r.secret ? h("span", { class: "badge" }, "secret") : null];
    return row(this.shown, [
      h("span", { class: `branch depth-${Math.min(depth, 8)}` }, fold, name), count(whole ? node.keys : r.keys), bytes(whole ? node.bytes : r.bytes),
      r === null ? "" : count(r.rev), r === null ? "" : count(r.seq), agoCell(whole ? node.time : r.time), badges,
    ], { class: r === null ? "group" : null });
  }

  // The line of a namespace, or, where it is folded away, of what it is under.
  pulse(ns) {
    for (let path = ns; ; path = path.slice(0, path.lastIndexOf("."))) {
      const line = this.lines.get(path);
      if (line !== undefined) {
        line.classList.remove("pulse");
        void line.offsetWidth; // so that the animation begins anew
        line.classList.add("pulse");
        return;
      }
      if (!path.includes(".")) return;
    }
  }
}

export async function namespacesPage(place, { find = "" }, signal) {
  const wrong = h("div");
  const below = h("div");
  const latest = new LatestChanges();
  const aside = h("aside", { "aria-label": "Besides", hidden: true }, latest.element,
    session.mayWriteSomething() ? h("section", {}, h("h2", {}, "New key"), newKeyForm()) : null);
  place.append(wrong, h("div", { class: "beside" }, below, aside));
  const tree = new Tree(below, find);
  const load = () => attempt(wrong, async () => {
    const { rows, more } = await api.namespaces({ most: kMost, signal });
    // The broker's own are not part of everything: who may see them asks for them.
    const own = session.isAdmin() ? (await api.namespaces({ under: "_system", signal })).rows : [];
    replace(wrong);
    tree.set([...rows, ...own], more);
    latest.begin(rows);
    aside.hidden = false;
    loaded = Date.now();
  });
  let loaded = 0;
  let isLive = false;
  live.watchState((state) => (isLive = state.name === "live"), signal);

  const changed = new Set();
  let timer = null;
  const refresh = async () => {
    timer = null;
    const names = [...changed];
    changed.clear();
    if (names.length > 20 || names.some((ns) => !tree.rows.has(ns))) await load();
    else {
      await attempt(wrong, async () => {
        for (const each of await Promise.all(names.map((ns) => api.namespaceRow(ns, signal)))) if (each !== null) tree.rows.set(each.ns, each);
        tree.draw();
      });
    }
    names.forEach((ns) => tree.pulse(ns));
  };
  live.subscribe({}, {
    change: (set) => {
      tree.pulse(set.ns);
      latest.add(set);
      changed.add(set.ns);
      timer ??= setTimeout(refresh, kRowsAgain);
    },
  }, signal);
  signal.addEventListener("abort", () => clearTimeout(timer));
  await poll(() => (isLive && Date.now() - loaded < kRefreshLive ? null : load()), kRefresh, signal);
}
