// A field that names a namespace, and offers those that are there.
import * as api from "./api.mjs";
import { freshId, h, replace } from "./dom.mjs";

const kOffered = 1000; // names

// [input, list of names]; `properties`: of the input. The names are asked for when somebody goes to the field.
export function nsField(properties, signal) {
  const names = h("datalist", { id: freshId("names") });
  const field = h("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", list: names.id, ...properties });
  field.addEventListener("focus", async () => {
    try {
      const { rows } = await api.namespaces({ most: kOffered, signal });
      replace(names, rows.map((row) => h("option", { value: row.ns })));
    } catch {
      // A name can be typed all the same, and what asks for it will say what is wrong.
    }
  }, { once: true });
  return [field, names];
}
