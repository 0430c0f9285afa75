// Which namespaces the policy calls secret: their values are hidden until somebody asks to see them. The policy may change
// at any time, so what was heard is forgotten after a while.
import * as api from "./api.mjs";

const kForgotten = 30000; // ms
const kMost = 20000; // names
const heard = new Map(); // ns -> {secret, at}

export function note(ns, secret) {
  heard.delete(ns);
  heard.set(ns, { secret, at: Date.now() });
  if (heard.size > kMost) heard.delete(heard.keys().next().value);
}

// What is known at this moment; undefined: nothing yet.
export function known(ns) {
  const it = heard.get(ns);
  return it !== undefined && Date.now() - it.at < kForgotten ? it.secret : undefined;
}

export async function isSecret(ns, signal) {
  const before = known(ns);
  if (before !== undefined) return before;
  const row = await api.namespaceRow(ns, signal);
  const secret = row?.secret === true;
  note(ns, secret);
  return secret;
}

export function forget() {
  heard.clear();
}
