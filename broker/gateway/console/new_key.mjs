// Where a key that is not there yet is named: the editor does the rest.
import { h } from "./dom.mjs";
import { link } from "./text.mjs";

// `ns`: of which namespace; undefined: that is to be said too.
export function newKeyForm(ns) {
  const text = (id, most, placeholder) => h("input", { type: "text", id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true, maxlength: most, placeholder });
  const key = text("new-key", 255, ns === undefined ? "BTCUSDT/tick_size" : null);
  const name = ns === undefined ? text("new-ns", 120, "market.binance") : null;
  return h("form", {
    class: ns === undefined ? "new-key" : "tools new-key",
    onsubmit: (event) => {
      event.preventDefault();
      location.hash = link("value", { ns: ns ?? name.value.trim(), key: key.value });
    },
  }, name === null ? null : [h("label", { for: "new-ns" }, "Namespace"), name], h("label", { for: "new-key" }, ns === undefined ? "Key" : "New key"), key,
  h("button", { type: "submit" }, "Write it"));
}
