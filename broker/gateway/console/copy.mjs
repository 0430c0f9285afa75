// What is taken along: a button that copies a text, and a command of the shell with such a button.
import { h, say } from "./dom.mjs";

const kTold = 1500; // ms that the button says so

async function copy(text) {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  // Over http by another name than localhost a browser has no clipboard for pages; the old way goes through a selection.
  const field = h("textarea", { class: "unseen", value: text });
  const before = document.activeElement;
  (before?.closest("dialog") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus({ preventScroll: true });
  if (!done) throw new Error("the browser does not let this page copy");
  return undefined;
}

// `what` is copied, for who does not see the page: "Copy the key". `text`: a string, or what gives one when it is wanted.
export function copyButton(what, text) {
  const button = h("button", { type: "button", class: "copy", "aria-label": what, title: what }, "Copy");
  let timer = null;
  button.addEventListener("click", async () => {
    try {
      await copy(typeof text === "function" ? text() : text);
      button.textContent = "Copied";
      say("Copied");
    } catch {
      button.textContent = "Not copied";
      say("The browser does not let this page copy");
    }
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = "Copy"), kTold);
  });
  return button;
}

// One line for a shell.
export function command(text) {
  return h("div", { class: "command" }, h("code", {}, text), copyButton(`Copy: ${text}`, text));
}
