// Who uses the console. The token lives in sessionStorage of this tab, goes to the broker alone, as a header, and never into
// an address. What it may is read from its claims to know beforehand what to offer; the broker decides, each time.

const kToken = "prismbus.token";

let claims = null;
const denied = new Set(); // namespaces the broker refused a write to
const insisted = new Set(); // ... and those where somebody tries although his token does not say that he may

// The payload of a JWT, or null: shown, never believed.
export function readClaims(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
    const read = JSON.parse(new TextDecoder().decode(bytes));
    return typeof read === "object" && read !== null ? read : null;
  } catch {
    return null;
  }
}

// Whether a pattern of section 7 of the contract covers a namespace.
export function covers(pattern, ns) {
  if (pattern === "**") return !ns.startsWith("_");
  if (pattern.endsWith(".**")) {
    const top = pattern.slice(0, -3);
    return ns === top || ns.startsWith(`${top}.`);
  }
  return pattern === ns;
}

function patterns(right) {
  const list = claims?.prismbus?.[right];
  return Array.isArray(list) ? list.filter((each) => typeof each === "string") : [];
}

export function token() {
  return sessionStorage.getItem(kToken);
}

export function logIn(text) {
  sessionStorage.setItem(kToken, text);
  claims = readClaims(text);
  denied.clear();
  insisted.clear();
}

export function logOut() {
  sessionStorage.removeItem(kToken);
  claims = null;
  denied.clear();
  insisted.clear();
}

// Null: this broker knows nobody by name.
export function principal() {
  return claims === null ? null : String(claims.sub ?? "?");
}

// Milliseconds since 1970, or null.
export function expiry() {
  return typeof claims?.exp === "number" ? claims.exp * 1000 : null;
}

export function isAdmin() {
  return token() === null || patterns("admin").includes("**");
}

// "yes"; "no": the broker said so; "unsaid": the token does not say it, a role of the policy may.
export function mayWrite(ns) {
  if (denied.has(ns)) return "no";
  if (token() === null) return "yes";
  if (insisted.has(ns)) return "yes";
  if (ns.startsWith("_")) return isAdmin() ? "yes" : "unsaid";
  return patterns("write").some((pattern) => covers(pattern, ns)) ? "yes" : "unsaid";
}

// Whether there is anything that he may write, as far as his token says.
export function mayWriteSomething() {
  return token() === null || patterns("write").length > 0 || isAdmin();
}

export function insist(ns) {
  insisted.add(ns);
}

export function writeDenied(ns) {
  denied.add(ns);
}

const kept = token();
if (kept !== null) claims = readClaims(kept);
