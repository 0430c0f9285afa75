// Asks for a token.
import { command } from "./copy.mjs";
import { h, replace } from "./dom.mjs";
import { readClaims } from "./session.mjs";

export function loginPage(place, wanted, done) {
  const field = h("textarea", { id: "token", rows: 4, autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "token-about token-wrong" });
  const wrong = h("p", { id: "token-wrong", class: "wrong", role: "alert" }, wanted.why);
  const form = h("form", {
    class: "login",
    onsubmit: (event) => {
      event.preventDefault();
      const token = field.value.trim();
      if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) || readClaims(token) === null) {
        replace(wrong, "This is not a token: it should be three parts of base64url with dots between them.");
        field.setAttribute("aria-invalid", "true");
        field.focus();
        return;
      }
      done(token);
    },
  },
  h("p", { id: "token-about" }, "This broker asks for a token. It stays in this tab, and is gone when you close the tab or log out."),
  h("label", { for: "token" }, "Token"), field, wrong,
  h("div", { class: "buttons" }, h("button", { type: "submit", class: "main" }, "Log in")),
  h("p", { class: "about" }, "An administrator makes one where the broker's keys are:"),
  command("prismbus token issue --keys security/tokens.jwks --sub NAME --read '**' --ttl 8h"));
  replace(place, form);
  field.focus();
}
