// The keys of one namespace: found by a part of their name or a glob, page by page.
import * as api from "./api.mjs";
import { h, replace, say } from "./dom.mjs";
import * as live from "./live.mjs";
import { attempt, empty, revealButton, row, table, timeCell, trail, valueCell } from "./parts.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { count, globOf, link, many } from "./text.mjs";

const kPage = 200; // keys

function newKeyForm(ns) {
  const field = h("input", { type: "text", id: "new-key", autocomplete: "off", spellcheck: "false", required: true, maxlength: 255 });
  return h("form", {
    class: "tools",
    onsubmit: (event) => {
      event.preventDefault();
      location.hash = link("value", { ns, key: field.value });
    },
  }, h("label", { for: "new-key" }, "New key"), field, h("button", { type: "submit" }, "Write it"));
}

export async function keysPage(place, { ns = "", find = "" }, signal, heading) {
  heading.textContent = ns;
  document.title = `${ns} – prismbus`;
  const secret = await secrets.isSecret(ns, signal);
  let masked = secret;
  const entries = [];
  const field = h("input", { type: "search", id: "find", value: find, autocomplete: "off", spellcheck: "false", "aria-describedby": "find-about" });
  const told = h("span", { class: "count", role: "status" });
  const wrong = h("div");
  const after = h("div", { class: "buttons" });
  const changed = h("div");
  const shown = table("Keys", [
    { title: "Key" }, { title: "Value", class: "grow" }, { title: "Revision", class: "number wide" }, { title: "Version", class: "number wide" },
    { title: "Changed", class: "wide" }, { title: "By", class: "wide" },
  ]);
  const line = (each) => row(shown, [
    h("a", { href: link("value", { ns, key: each.key }) }, each.key), valueCell(each.value, { masked }), count(each.rev), count(each.version),
    timeCell(each.time), each.by,
  ]);
  const redraw = () => replace(shown.body, entries.map(line));

  let next;
  let asked = 0;
  const load = async (fresh) => {
    const mine = ++asked;
    await attempt(wrong, async () => {
      const page = await api.list(ns, { glob: globOf(field.value), after: fresh ? undefined : next, limit: kPage, signal });
      if (mine !== asked) return; // another search has begun
      replace(wrong);
      if (fresh) entries.length = 0;
      entries.push(...page.entries);
      next = page.more ? page.after : undefined;
      if (fresh) redraw();
      else shown.body.append(...page.entries.map(line));
      told.textContent = `${many(entries.length, "key", page.more)} at revision ${count(page.rev)}`;
      replace(after, entries.length === 0 && !page.more ? empty(field.value === "" ? "No key here." : "No key matches.") : null,
        page.more ? h("button", { type: "button", onclick: () => load(false) }, "More keys") : null);
      if (fresh) replace(changed);
    });
  };
  const search = h("form", {
    class: "tools", role: "search",
    onsubmit: (event) => {
      event.preventDefault();
      history.replaceState(null, "", link("keys", { ns, find: field.value }));
      load(true);
    },
  }, h("label", { for: "find" }, "Find"), field, h("button", { type: "submit" }, "Search"),
  h("span", { id: "find-about", class: "about" }, "part of a key, or a glob: ", h("code", {}, "?"), " ", h("code", {}, "*"), " ", h("code", {}, "**")), told);

  replace(place, trail(ns, undefined, "keys"), search, secret ? h("div", { class: "tools" }, h("span", { class: "badge" }, "secret"), revealButton((shows) => {
    masked = !shows;
    redraw();
  })) : null, wrong, changed, shown.element, after, session.mayWrite(ns) === "yes" ? newKeyForm(ns) : null);

  await load(true);
  live.subscribe({ ns, subtree: false }, {
    change: (set) => {
      if (changed.firstChild !== null) return;
      say("The namespace has changed");
      replace(changed, h("p", { class: "notice" }, `Changed to revision ${count(set.rev)} meanwhile. `, h("button", { type: "button", onclick: () => load(true) }, "Show it")));
    },
  }, signal);
}
