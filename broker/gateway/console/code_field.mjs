// A text area whose JSON is coloured: the colours stand behind it, the text of the field itself is not painted. What reads,
// selects and searches it finds a plain text area.
import { h, replace } from "./dom.mjs";
import { pieces } from "./json_colour.mjs";

const kColoured = 30000; // characters; a browser is slow to colour more with each key that is pressed

export class CodeField {
  // `properties`: of the text area.
  constructor(properties) {
    this.colours = h("pre", { "aria-hidden": "true" });
    this.field = h("textarea", { spellcheck: "false", autocomplete: "off", autocapitalize: "off", wrap: "off", ...properties });
    this.element = h("div", { class: "code-field" }, this.colours, this.field);
    this.field.addEventListener("scroll", () => this.follow());
    new ResizeObserver(() => this.follow()).observe(this.field);
  }

  follow() {
    this.colours.scrollTop = this.field.scrollTop;
    this.colours.scrollLeft = this.field.scrollLeft;
  }

  // To be called whenever the text has changed.
  colour() {
    const text = this.field.value;
    const plain = text.length > kColoured;
    this.element.classList.toggle("plain", plain);
    replace(this.colours, plain ? null : pieces(text).map(({ kind, text: piece }) => (kind === null ? piece : h("span", { class: `json-${kind}` }, piece))));
    this.follow();
  }

  // Shows the place `offset` of the text.
  goTo(offset) {
    this.field.focus();
    this.field.setSelectionRange(offset, Math.min(offset + 1, this.field.value.length));
  }
}
