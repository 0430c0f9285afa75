// The console by keyboard: single keys, as long as nobody types into a field or reads a dialog, and the help that names them.
import { h } from "./dom.mjs";

const kOff = "prismbus.keys"; // "off": single keys do nothing (WCAG 2.1.4)
const kSecondKey = 1500; // ms in which the key behind g has to come

const kPlaces = { n: ["", "Namespaces"], t: ["time", "Time machine"], l: ["feed", "Live"], s: ["subscribers", "Subscribers"], b: ["broker", "Broker"], a: ["audit", "Audit"] };
const kTold = [
  [["/"], "Find on this page"],
  [["u"], "Up: from a key to its namespace, from there to all"],
  [["e"], "Edit the value"],
  [["Ctrl", "s"], "Review and save, within the editor"],
  [["Esc"], "Close a dialog"],
  [["?"], "This help"],
];

function isOff() {
  return localStorage.getItem(kOff) === "off";
}

function keysOf(names) {
  return names.flatMap((name, i) => [i === 0 ? null : " ", h("kbd", {}, name)]);
}

export function showHelp() {
  if (document.querySelector("dialog[open]") !== null) return;
  const single = h("input", { type: "checkbox", id: "single-keys", checked: !isOff(), onchange: () => {
    if (single.checked) localStorage.removeItem(kOff);
    else localStorage.setItem(kOff, "off");
  } });
  const list = (rows) => h("dl", { class: "keys" }, rows.map(([names, told]) => h("div", {}, h("dt", {}, keysOf(names)), h("dd", {}, told))));
  const dialog = h("dialog", { class: "help", "aria-labelledby": "help-title" },
    h("h2", { id: "help-title", tabindex: -1 }, "Help"),
    h("div", { class: "halves" },
      h("section", {}, h("h3", {}, "On a page"), list(kTold)),
      h("section", {}, h("h3", {}, "Go to"), list(Object.entries(kPlaces).map(([key, [, title]]) => [["g", key], title])))),
    h("p", {}, h("label", { class: "check" }, single, "Single keys work")),
    h("h3", {}, "Finding keys"),
    h("dl", { class: "keys" }, [["tick", "keys with this in them"], ["BTC*/tick?size", "a glob: ? is one character, * any of one level"], ["**/limits", "** crosses levels, which / divides"]]
      .map(([text, told]) => h("div", {}, h("dt", {}, h("code", {}, text)), h("dd", {}, told)))),
    h("h3", {}, "What counts"),
    h("dl", { class: "keys" }, [["revision", "transactions of the whole broker"], ["seq", "those of a namespace"], ["version", "those of a key"]]
      .map(([text, told]) => h("div", {}, h("dt", {}, text), h("dd", {}, told)))),
    h("p", { class: "about" }, "Programs can have all of this too: ",
      h("a", { href: "/openapi.json", target: "_blank", rel: "noopener" }, "the HTTP interface"), ", and the command ", h("code", {}, "prismbus --help"), "."),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "main", onclick: () => dialog.close() }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("h2").focus();
}

function find() {
  const field = document.querySelector("main [data-find], main #find, main .tools input[type='text']");
  if (field === null) return false;
  field.focus();
  field.select();
  return true;
}

function up() {
  const links = document.querySelectorAll("main .crumbs a");
  if (links.length === 0) return false;
  links[links.length - 1].click();
  return true;
}

function edit() {
  const field = document.getElementById("editor");
  field?.focus();
  return field !== null;
}

const kActions = { "/": find, "?": () => (showHelp(), true), u: up, e: edit };

function takesText(element) {
  return element instanceof Element && element.closest("input, textarea, select, [contenteditable]") !== null;
}

export function listen() {
  let waiting = 0; // until when the key behind g counts
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isOff() || takesText(event.target) || document.querySelector("dialog[open]") !== null) return;
    const behind = Date.now() < waiting;
    waiting = 0;
    if (behind && event.key in kPlaces) {
      event.preventDefault();
      location.hash = `#/${kPlaces[event.key][0]}`;
    } else if (event.key === "g") waiting = Date.now() + kSecondKey;
    else if (Object.hasOwn(kActions, event.key) && kActions[event.key]()) event.preventDefault();
  });
}
