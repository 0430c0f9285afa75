// Who did what: accepted writes, logins, refusals, what administrators did. The newest first, of as long as is asked for.
import * as api from "./api.mjs";
import { h, replace } from "./dom.mjs";
import { nsField } from "./ns_field.mjs";
import { attempt, empty, emptyState, row, table, timeCell } from "./parts.mjs";
import * as session from "./session.mjs";
import { count, link, many } from "./text.mjs";

const kMost = 2000; // records
const kSpans = [["the last hour", 3600], ["the last day", 86400], ["the last week", 604800], ["all that is kept", 0]];

function detail(record) {
  const said = [];
  if (record.code !== undefined) said.push(h("span", { class: "bad" }, record.code));
  if (record.changes !== undefined) said.push(many(record.changes, "change"));
  if (record.times > 1) said.push(`${count(record.times)} times`);
  if (record.note !== undefined) said.push(h("span", { class: "note" }, record.note));
  return said.flatMap((each, i) => (i === 0 ? [each] : [" · ", each]));
}

function names(record) {
  const links = record.ns.slice(0, 3).map((ns) => h("a", { href: link("keys", { ns }) }, ns));
  const more = record.ns.length > 3 ? [` and ${count(record.ns.length - 3)} more`] : [];
  return [...links.flatMap((each, i) => (i === 0 ? [each] : [", ", each])), ...more];
}

export async function auditPage(place, { ns = "", by = "", span = "86400" }, signal) {
  const chosen = h("select", { id: "audit-span" }, kSpans.map(([title, seconds]) => h("option", { value: String(seconds), selected: String(seconds) === span }, title)));
  const [ofNs, offered] = nsField({ id: "audit-ns", value: ns, placeholder: "all" }, signal);
  const byField = h("input", { type: "text", id: "audit-by", value: by, autocomplete: "off", spellcheck: "false", placeholder: "anybody" });
  const told = h("span", { class: "count", role: "status" });
  const wrong = h("div");
  const after = h("div");
  const shown = table("Audit records, newest first", [
    { title: "Time" }, { title: "What" }, { title: "By" }, { title: "Operation" }, { title: "Namespace", class: "grow" }, { title: "Revision", class: "number", label: true },
    { title: "Details", class: "grow" }, { title: "From", class: "wide" },
  ], { stack: true });
  shown.element.hidden = true;
  replace(place, h("form", {
    class: "tools",
    onsubmit: (event) => {
      event.preventDefault();
      const next = link("audit", { ns: ofNs.value.trim(), by: byField.value.trim(), span: chosen.value });
      if (next === location.hash) load();
      else location.hash = next;
    },
  }, h("label", { for: "audit-span" }, "Of"), chosen, h("label", { for: "audit-by" }, "By"), byField, h("label", { for: "audit-ns" }, "Namespace"), ofNs, offered,
  h("button", { type: "submit" }, "Show"), told), wrong, shown.element, after);
  const load = () => attempt(wrong, async () => {
    const since = span === "0" ? undefined : Math.floor((Date.now() / 1000 - Number(span)) * 1e6);
    const { rows, more } = await api.audit({ ns: ns || undefined, by: by || undefined, since, most: kMost, signal });
    replace(wrong);
    told.textContent = many(rows.length, "record");
    rows.reverse();
    replace(shown.body, rows.map((each) => row(shown, [
      timeCell(each.time), h("span", { class: each.what === "refused" ? "bad" : null }, each.what), each.by || h("span", { class: "none" }, "nobody"), each.op ?? "", names(each),
      each.rev === undefined ? "" : count(each.rev), detail(each), each.from ?? "",
    ])));
    shown.element.hidden = rows.length === 0;
    replace(after, rows.length === 0 ? emptyState("Nothing of that kind.", "A longer time, anybody, and all namespaces show more.") : null,
      more ? empty(`The oldest ${count(rows.length)} of this time: choose a shorter one for what is newer.`) : null);
  }, () => load());
  if (!session.isAdmin()) {
    replace(wrong, h("p", { class: "notice" }, "Only administrators may read the audit, and your token does not say that you are one. A role of the policy may. ",
      h("button", { type: "button", onclick: load }, "Ask all the same")));
    return;
  }
  await load();
}
