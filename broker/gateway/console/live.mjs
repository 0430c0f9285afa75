// Changes as they happen: one WebSocket for the whole console (section 8 of the contract, /ws/config/subscribe), there while
// any page wants it. A connection that is lost is made again, later each time; what is subscribed is subscribed again.
import { parse, plain } from "./json_text.mjs";
import * as session from "./session.mjs";

const kFirstWait = 500; // ms
const kLongestWait = 15000;
const kUnwanted = 2000; // ms that it stays without a subscription: the next page may want it
const kExpired = 4401; // close codes of the contract
const kForbidden = 4403;

const subscriptions = new Set(); // {ns, subtree, glob, handlers, paused}
const asked = new Map(); // id on this socket -> subscription; an id is used once
const watchers = new Set(); // of the state
let socket = null;
let opened = false;
let lastId = 0;
let wait = kFirstWait;
let timer = null;
let state = { name: "off" };
let onUnauthenticated = () => {};

export function whenExpired(handler) {
  onUnauthenticated = handler;
}

function tell(next) {
  state = next;
  for (const watcher of watchers) watcher(state);
}

// Calls `watcher` now and at each change with {name, why?, seconds?}: off, connecting, live, waiting.
export function watchState(watcher, signal) {
  watchers.add(watcher);
  signal?.addEventListener("abort", () => watchers.delete(watcher));
  watcher(state);
}

function send(message) {
  if (opened) socket.send(JSON.stringify(message));
}

function ask(subscription) {
  const { ns, subtree, glob } = subscription;
  asked.delete(subscription.id);
  subscription.id = ++lastId;
  asked.set(subscription.id, subscription);
  send({ type: "subscribe", id: subscription.id, ns, subtree, glob, snapshot: false });
  if (subscription.paused) send({ type: "pause", id: subscription.id });
}

function receive(text) {
  const tree = parse(text);
  const message = plain(tree, new Set(["value"]));
  const subscription = asked.get(message.id);
  if (subscription === undefined) return; // of one that has ended meanwhile
  const { handlers } = subscription;
  if (message.type === "change") handlers.change?.(message);
  else if (message.type === "subscribed") handlers.subscribed?.(plain(tree, new Set())); // its heads are by namespace, of any name
  else if (message.type === "gap") {
    // The broker has ended it, for it cannot vouch any more that nothing is missing.
    handlers.gap?.(message);
    ask(subscription);
  } else if (message.type === "error") handlers.error?.(message.error);
}

function close(code) {
  socket = null;
  opened = false;
  asked.clear();
  if (subscriptions.size === 0) return tell({ name: "off" });
  if (code === kExpired && session.token() !== null) {
    onUnauthenticated();
    return tell({ name: "off" });
  }
  const why = code === kForbidden ? "refused" : "lost";
  const pause = wait * (0.75 + Math.random() / 2);
  wait = Math.min(wait * 2, kLongestWait);
  timer = setTimeout(connect, pause);
  return tell({ name: "waiting", why, seconds: Math.ceil(pause / 1000) });
}

function connect() {
  clearTimeout(timer);
  timer = null;
  tell({ name: "connecting" });
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const token = session.token();
  const made = new WebSocket(`${scheme}//${location.host}/ws/config/subscribe`, token === null ? ["prismbus.v1"] : ["prismbus.v1", `bearer.${token}`]);
  socket = made;
  const ours = (handler) => (event) => {
    if (socket === made) handler(event);
  };
  made.addEventListener("open", ours(() => {
    opened = true;
    wait = kFirstWait;
    tell({ name: "live" });
    asked.clear();
    for (const each of subscriptions) ask(each);
  }));
  made.addEventListener("message", ours((event) => receive(event.data)));
  made.addEventListener("close", ours((event) => close(event.code)));
}

function ended() {
  clearTimeout(timer);
  timer = null;
  const old = socket;
  socket = null;
  opened = false;
  asked.clear();
  old?.close();
  tell({ name: "off" });
}

// Whether the namespace may have changed since revision `rev` of the history `epoch`, as far as the answer to a subscription says:
// there is nothing to be heard of what was before it, or while there was no connection.
export function missed({ epoch, heads }, ns, known) {
  return epoch !== known.epoch || (heads[ns]?.rev ?? 0) > known.rev;
}

// `handlers`: change(set), subscribed(message), gap(message), error(error), each optional. Ends with `signal`.
export function subscribe({ ns = "", subtree = true, glob = "**" }, handlers, signal) {
  const subscription = { ns, subtree, glob, handlers, id: 0, paused: false };
  subscriptions.add(subscription);
  if (socket === null && timer === null) connect();
  else if (opened) ask(subscription);
  signal.addEventListener("abort", () => {
    subscriptions.delete(subscription);
    if (asked.delete(subscription.id)) send({ type: "unsubscribe", id: subscription.id });
    setTimeout(() => subscriptions.size === 0 && ended(), kUnwanted);
  });
  const pausing = (type) => () => {
    subscription.paused = type === "pause";
    if (asked.has(subscription.id)) send({ type, id: subscription.id });
  };
  return { pause: pausing("pause"), resume: pausing("resume") };
}

// Another token, or none: what is open was opened by the one before.
export function reset() {
  ended();
  wait = kFirstWait;
  if (subscriptions.size > 0) connect();
}
