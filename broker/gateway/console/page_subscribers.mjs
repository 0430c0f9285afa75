// Who follows, how far each has come, what it refused and how long changes take to reach it; asked again every few seconds.
import * as api from "./api.mjs";
import { h, poll, redrawn, replace } from "./dom.mjs";
import { nsField } from "./ns_field.mjs";
import { agoCell, attempt, empty, emptyState, fact, row, table, tabs } from "./parts.mjs";
import { Order } from "./sort.mjs";
import { Rings, spark } from "./spark.mjs";
import { count, link, many, micros, prismbusLine } from "./text.mjs";

const kEvery = 2000; // ms
const kNames = 200; // of one subscriber, shown

function nameOf(each) {
  return `${each.instance}|${each.endpoint}|${each.since}`;
}

const kOrders = {
  name: { of: (each) => `${each.name} ${each.instance}` },
  lag: { of: (each) => each.lag, down: true },
  refused: { of: (each) => each.rejections, down: true },
  p50: { of: (each) => each.latency_us?.p50, down: true },
  p99: { of: (each) => each.latency_us?.p99, down: true },
};

class Subscribers {
  constructor(place, ns, signal) {
    this.ns = ns;
    this.order = new Order(kOrders, "name", () => this.draw());
    this.rows = [];
    this.chosen = null;
    this.latencies = new Rings();
    this.told = h("span", { class: "count" });
    this.none = h("div");
    this.chosenPlace = h("div");
    this.shown = table("Subscribers", [
      { title: "Instance", class: "first", sort: "name" }, { title: "Principal", class: "wide" }, { title: "State" }, { title: "Lag", class: "number", sort: "lag", label: true },
      { title: "Refused", class: "number", sort: "refused", label: true }, { title: "p50", class: "number", sort: "p50", label: true },
      { title: "p99", class: "number", sort: "p99", label: true },
      { title: "p99 over time" }, { title: "Namespaces", class: "number wide" }, { title: "Heard of", class: "wide" },
    ], { order: this.order, stack: true });
    this.shown.element.hidden = true;
    const [field, names] = nsField({ id: "of-ns", value: ns, placeholder: "all" }, signal);
    replace(place, ns === "" ? null : tabs(ns, undefined, "subscribers"), h("form", {
      class: "tools",
      onsubmit: (event) => {
        event.preventDefault();
        location.hash = link("subscribers", { ns: field.value.trim() });
      },
    }, h("label", { for: "of-ns" }, "Followers of"), field, names, h("button", { type: "submit" }, "Show"), this.told), this.shown.element, this.none, this.chosenPlace);
  }

  set(rows, more) {
    this.rows = rows;
    for (const each of rows) if (each.latency_us !== undefined) this.latencies.add(nameOf(each), each.latency_us.p99);
    this.told.textContent = `${many(rows.length, "subscriber", more)}, ${count(rows.filter((r) => r.lag > 0).length)} behind, ${count(rows.filter((r) => r.rejections > 0).length)} with refusals`;
    this.shown.element.hidden = rows.length === 0;
    if (rows.length > 0) replace(this.none);
    else if (this.none.firstChild === null) {
      replace(this.none, emptyState(this.ns === "" ? "Nobody follows." : `Nobody follows ${this.ns}.`, "Everyone who follows appears here with how far it has got. To follow from a shell:",
        this.ns === "" ? prismbusLine("watch", [""], ["--subtree"]) : prismbusLine("watch", [this.ns])));
    }
    this.draw();
  }

  draw() {
    redrawn(this.shown.body, () => replace(this.shown.body, [...this.rows].sort(this.order.compare).map((each) => this.line(each))));
    this.drawChosen();
  }

  line(each) {
    const name = nameOf(each);
    const open = name === this.chosen;
    const ring = this.latencies.rings.get(name) ?? [];
    const p99 = each.latency_us?.p99;
    return row(this.shown, [
      h("button", {
        type: "button", class: "link", "aria-expanded": String(open), "data-focus": name,
        onclick: () => {
          this.chosen = open ? null : name;
          this.draw();
        },
      }, each.name ? `${each.name} · ${each.instance}` : each.instance), each.principal,
      h("span", { class: each.silent ? "bad" : null }, each.silent ? "silent" : each.state || "follows"),
      h("span", { class: each.lag > 0 ? "warn" : null }, count(each.lag)), h("span", { class: each.rejections > 0 ? "bad" : null }, count(each.rejections)),
      micros(each.latency_us?.p50), micros(p99), ring.length > 0 ? spark(ring, `99th percentile now ${micros(p99)}, highest ${micros(Math.max(...ring))}`) : "",
      count(each.names), agoCell(each.last_seen),
    ]);
  }

  // What the chosen one has applied and refused.
  drawChosen() {
    const each = this.rows.find((r) => nameOf(r) === this.chosen);
    if (each === undefined) return replace(this.chosenPlace);
    const refused = table(`Refused by ${each.instance}`, [{ title: "Namespace" }, { title: "Key" }, { title: "Seq", class: "number" }, { title: "Reason", class: "grow" }]);
    replace(refused.body, each.rejected.map((r) => row(refused, [r.ns, h("a", { href: link("value", { ns: r.ns, key: r.key }) }, r.key), count(r.seq), h("span", { class: "bad" }, r.reason)])));
    const applied = table(`Applied by ${each.instance}`, [{ title: "Namespace" }, { title: "Seq", class: "number" }]);
    replace(applied.body, Object.entries(each.applied).slice(0, kNames).map(([ns, seq]) => row(applied, [h("a", { href: link("keys", { ns }) }, ns), count(seq)])));
    return replace(this.chosenPlace, h("section", { class: "chosen" },
      h("h2", {}, each.instance),
      h("dl", { class: "facts" }, fact("From", each.endpoint), fact("Since", agoCell(each.since)), Object.entries(each.labels ?? {}).map(([name, text]) => fact(name, String(text)))),
      each.rejected.length > 0 ? [h("h3", {}, "Refused"), refused.element] : null,
      h("h3", {}, "Applied"), applied.element,
      each.names > kNames ? empty(`The first ${kNames} of ${count(each.names)} namespaces.`) : null));
  }
}

export async function subscribersPage(place, { ns = "" }, signal) {
  const wrong = h("div");
  const below = h("div");
  place.append(wrong, below);
  if (ns !== "") document.title = `${ns}, subscribers – prismbus`;
  const shown = new Subscribers(below, ns, signal);
  await poll(() => attempt(wrong, async () => {
    const { rows, more } = await api.subscribers({ ns: ns || undefined, signal });
    replace(wrong);
    shown.set(rows, more);
  }), kEvery, signal);
}
