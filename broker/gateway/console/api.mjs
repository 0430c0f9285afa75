// The broker's HTTP interface (section 8 of the contract). Replies come as plain objects in which values of people are
// nodes of json_text.mjs; what is written goes as the text it is.
import { parse, plain } from "./json_text.mjs";
import * as session from "./session.mjs";

const kValues = new Set(["value"]);
const kNone = new Set(); // where what is called "value" is somebody's namespace or label

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message ?? `the broker answered ${status}`);
    this.status = status;
    this.code = error.code ?? "unreachable";
    this.details = error; // what else came: field, rev, floor, path, reason, ...
  }
}

// Called when the broker wants a token, or another one.
let onUnauthenticated = () => {};
export function whenUnauthenticated(handler) {
  onUnauthenticated = handler;
}

// Called with whether anything is under way.
let onBusy = () => {};
export function whenBusy(handler) {
  onBusy = handler;
}
let underWay = 0;
function begun(n) {
  underWay += n;
  onBusy(underWay > 0);
}

function address(path, query) {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return text === "" ? path : `${path}?${text}`;
}

async function ask(method, path, { query, body, headers, signal, kept = kValues } = {}) {
  const sent = new Headers(headers);
  const token = session.token();
  if (token !== null) sent.set("Authorization", `Bearer ${token}`);
  if (body !== undefined) sent.set("Content-Type", "application/json");
  let answer;
  let text;
  begun(1);
  try {
    answer = await fetch(address(path, query), { method, headers: sent, body, signal, cache: "no-store", credentials: "omit", redirect: "error" });
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { message: "The broker cannot be reached: it has stopped, or the network between is down." });
  } finally {
    begun(-1);
  }
  let data = null;
  if (answer.headers.get("Content-Type") === "application/json" && text !== "") data = plain(parse(text), kept);
  if (!answer.ok) {
    const error = new ApiError(answer.status, data?.error ?? {});
    if (answer.status === 401) onUnauthenticated(error);
    throw error;
  }
  return { data, etag: answer.headers.get("ETag"), text };
}

const get = async (path, query, signal, kept) => (await ask("GET", path, { query, signal, kept })).data;
const within = (kind, ns) => `/api/v1/${kind}/${encodeURIComponent(ns)}`;
const cursor = (page) => page.after?.$bin;

// One session of request ids for each time the console is opened: a write that is sent again because its answer got lost
// is done once.
const kSession = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
let writes = 0;
export function writeId() {
  return `${kSession}-${++writes}`;
}

// All rows up to `most`: {rows, more, page}, page: the last one.
async function gathered(name, most, read) {
  const rows = [];
  for (let after; ; ) {
    const page = await read(after);
    for (const row of page[name]) rows.push(row);
    after = cursor(page);
    if (!page.more || rows.length >= most) return { rows, more: page.more, after, page };
  }
}

export function namespaces({ under, most = 10000, signal } = {}) {
  return gathered("namespaces", most, (after) => get("/api/v1/namespaces", { under, after, limit: 1000 }, signal));
}

// The row of one namespace; null when there is none, or none that may be seen.
export async function namespaceRow(ns, signal) {
  try {
    return await get(`${within("config", ns)}/version`, {}, signal);
  } catch (error) {
    if (error.code === "not_found" || error.code === "permission_denied") return null;
    throw error;
  }
}

// One page: {entries, more, after, at, rev, epoch}, after: for the next one.
export async function list(ns, { glob, at, atTime, epoch, after, limit, signal }) {
  const page = await get(`${within("config", ns)}/list`, { glob, at, at_time: atTime, epoch, after, limit }, signal);
  return { ...page, after: cursor(page) };
}

// {entry, etag}, or null when the key is not there.
export async function entry(ns, key, { at, epoch, signal } = {}) {
  try {
    const { data, etag } = await ask("GET", within("config", ns), { query: { key, at, epoch }, signal });
    return { entry: data, etag };
  } catch (error) {
    if (error.code === "not_found") return null;
    throw error;
  }
}

// Whether the key is still what `etag` stands for; null: whether it is still not there.
export async function isStill(ns, key, etag, signal) {
  try {
    await ask("GET", within("config", ns), { query: { key }, headers: etag === null ? {} : { "If-None-Match": etag }, signal });
    return false;
  } catch (error) {
    if (error.status === 304) return true;
    if (error.code === "not_found") return etag === null;
    throw error;
  }
}

// `etag`: what is replaced; null: nothing is there.
function condition(etag, id) {
  return { "Idempotency-Key": id, ...(etag === null ? { "If-None-Match": "*" } : { "If-Match": etag }) };
}

export async function put(ns, key, text, { etag, note, id }) {
  const query = { key, note: note || null };
  return (await ask("PUT", within("config", ns), { query, body: text, headers: condition(etag, id) })).data;
}

export async function remove(ns, key, { etag, note, id }) {
  return (await ask("DELETE", within("config", ns), { query: { key, note: note || null }, headers: condition(etag, id) })).data;
}

export async function history(ns, key, { after, before, limit, signal }) {
  const page = await get(within("history", ns), { key, after, before, limit }, signal);
  return { ...page, after: cursor(page) };
}

export async function diff(ns, { from, to, epoch, after, signal }) {
  const page = await get(within("diff", ns), { from, to, epoch, after, limit: 500 }, signal);
  return { ...page, after: cursor(page) };
}

export async function rollback(ns, { key, to, epoch, note, id }) {
  const members = [`"to":${to}`, `"epoch":${JSON.stringify(epoch)}`];
  if (key !== undefined) members.push(`"key":${JSON.stringify(key)}`);
  if (note) members.push(`"note":${JSON.stringify(note)}`);
  const body = `{${members.join(",")}}`;
  return (await ask("POST", within("rollback", ns), { body, headers: { "Idempotency-Key": id } })).data;
}

export function subscribers({ ns, most = 5000, signal } = {}) {
  return gathered("subscribers", most, (after) => get("/api/v1/subscribers", { ns, after }, signal, kNone));
}

export function status(signal) {
  return get("/status", {}, signal);
}

export async function metrics(signal) {
  return (await ask("GET", "/metrics", { signal })).text;
}

export function audit({ ns, by, since, most, signal }) {
  return gathered("records", most, (after) => get("/api/v1/audit", { ns, by, since, after, limit: 500 }, signal));
}
