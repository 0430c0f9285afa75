// The console's frame: the bar, the page that the address names, who is logged in, light or dark. An address is
// #/page?name=value; a page is a function (place, parameters, signal) that fills `place` and ends its work with `signal`.
import * as api from "./api.mjs";
import { h, replace, say } from "./dom.mjs";
import * as live from "./live.mjs";
import { crumbs, errorAgain, tickAges } from "./parts.mjs";
import { auditPage } from "./page_audit.mjs";
import { brokerPage } from "./page_broker.mjs";
import { feedPage } from "./page_feed.mjs";
import { historyPage } from "./page_history.mjs";
import { keysPage } from "./page_keys.mjs";
import { loginPage } from "./page_login.mjs";
import { namespacesPage } from "./page_namespaces.mjs";
import { subscribersPage } from "./page_subscribers.mjs";
import { timePage } from "./page_time.mjs";
import { valuePage } from "./page_value.mjs";
import * as secrets from "./secrets.mjs";
import * as session from "./session.mjs";
import { listen, showHelp } from "./shortcuts.mjs";
import { minutesLeft } from "./text.mjs";

const kPages = {
  "": { title: "Namespaces", bar: true, render: namespacesPage },
  keys: { title: "Keys", render: keysPage },
  value: { title: "Value", render: valuePage },
  history: { title: "History", render: historyPage },
  time: { title: "Time machine", bar: true, render: timePage },
  feed: { title: "Live", bar: true, render: feedPage },
  subscribers: { title: "Subscribers", bar: true, render: subscribersPage },
  broker: { title: "Broker", bar: true, render: brokerPage },
  audit: { title: "Audit", bar: true, render: auditPage },
};
const kWithin = { keys: "", value: "", history: "" }; // the entry of the bar that a page without one belongs to
const kOfNamespace = new Set(["keys", "value", "history", "time", "feed", "subscribers"]); // pages that know `ns`
const kTick = 5000; // ms between two looks at how old things are
const kThemes = ["auto", "light", "dark"];
const kTheme = "prismbus.theme";

const main = document.getElementById("main");
const bar = document.getElementById("bar");
let shown = new AbortController(); // of the page that is there
let wanted = null; // why a login is asked for; null: it is not

function address() {
  const [, name = "", query = ""] = /^#\/([a-z]*)(?:\?(.*))?$/.exec(location.hash) ?? [];
  const parameters = {};
  for (const [key, value] of new URLSearchParams(query.replaceAll("+", "%2B"))) parameters[key] = value;
  return { name: name in kPages ? name : "", parameters };
}

function theme() {
  const kept = localStorage.getItem(kTheme);
  return kThemes.includes(kept) ? kept : "auto";
}

function applyTheme() {
  const now = theme();
  if (now === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
}

function themeButton() {
  const button = h("button", { type: "button", class: "quiet", id: "theme" }, `Theme: ${theme()}`);
  button.addEventListener("click", () => {
    localStorage.setItem(kTheme, kThemes[(kThemes.indexOf(theme()) + 1) % kThemes.length]);
    applyTheme();
    button.textContent = `Theme: ${theme()}`;
  });
  return button;
}

function who() {
  const name = session.principal();
  if (name === null) return null;
  const until = session.expiry();
  const title = until === null ? null : `The token counts until ${new Date(until).toLocaleString()}`;
  return [
    h("span", { class: "who", title }, name), h("span", { class: "expiry warn", role: "status" }),
    h("button", { type: "button", class: "quiet", id: "logout", onclick: () => leave(null) }, "Log out"),
  ];
}

// That the token ends soon, while there is time to get another one.
function tellExpiry() {
  const place = bar.querySelector(".expiry");
  if (place === null) return;
  const minutes = minutesLeft(session.expiry());
  const text = minutes === null ? "" : `token ends in ${minutes} min`;
  if (place.textContent !== text) place.textContent = text;
}

function drawBar(current) {
  const here = kWithin[current] ?? current;
  const links = Object.entries(kPages).filter(([, page]) => page.bar).map(([name, page]) =>
    h("li", {}, h("a", { href: `#/${name}`, "aria-current": name === here ? (name === current ? "page" : "true") : null }, page.title)));
  replace(bar,
    h("a", { class: "brand", href: "#/" }, "prismbus"),
    wanted === null ? h("nav", { "aria-label": "Pages" }, h("ul", {}, links)) : null,
    h("div", { class: "end" }, liveMark(), who(), themeButton(),
      h("button", { type: "button", class: "quiet", id: "help", "aria-keyshortcuts": "?", onclick: showHelp }, "Help")));
  tellExpiry();
}

// What the WebSocket is doing, while some page wants it.
function liveMark() {
  const mark = h("span", { class: "live" });
  live.watchState((state) => {
    mark.dataset.state = state.name;
    mark.textContent = { off: "", connecting: "connecting", live: "live", waiting: "not live" }[state.name];
  }, shown.signal);
  return mark;
}

function begin(title, above = null) {
  shown.abort();
  shown = new AbortController();
  main.removeAttribute("aria-busy");
  document.title = `${title} – prismbus`;
  const heading = h("h1", { tabindex: -1 }, title);
  const place = h("div", { class: "page" });
  replace(main, above, h("div", { class: "head" }, heading), place);
  return { heading, place, signal: shown.signal };
}

let first = true;

function showLogin() {
  const { place, heading } = begin("Log in");
  drawBar("login");
  loginPage(place, wanted, (token) => {
    session.logIn(token);
    wanted = null;
    live.reset();
    show();
  });
  if (!place.contains(document.activeElement)) heading.focus();
}

async function show() {
  if (wanted !== null) return showLogin();
  const { name, parameters } = address();
  const page = kPages[name];
  const { ns } = parameters;
  const { heading, place, signal } = begin(page.title, ns && kOfNamespace.has(name) ? crumbs(ns, name === "keys") : null);
  drawBar(name);
  if (!first) {
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    say(page.title);
  }
  first = false;
  main.setAttribute("aria-busy", "true");
  try {
    await page.render(place, parameters, signal, heading);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    if (error.code === undefined) console.error(error);
    place.append(...errorAgain(error, show));
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

function leave(why) {
  session.logOut();
  secrets.forget();
  wanted = { why };
  live.reset();
  show();
}

api.whenUnauthenticated((error) => {
  if (wanted === null) leave(session.token() === null ? null : error.message);
});
live.whenExpired(() => leave("The token is no longer valid."));
api.whenBusy((busy) => bar.classList.toggle("busy", busy));
setInterval(() => {
  tickAges();
  tellExpiry();
}, kTick);
window.addEventListener("hashchange", show);
listen();
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
applyTheme();
show();
