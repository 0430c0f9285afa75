// The stream of changes as the console keeps it up: made anew when lost, later each time; asked anew behind a gap. A fake
// socket, a fake clock.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const sockets = [];
class FakeSocket extends EventTarget {
  constructor(address, protocols) {
    super();
    Object.assign(this, { address, protocols, sent: [], closed: false });
    sockets.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  open() {
    this.dispatchEvent(new Event("open"));
  }
  say(text) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: typeof text === "string" ? text : JSON.stringify(text) }));
  }
  lose(code = 1006) {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

let now = 0;
let timers = [];
const advance = (ms) => {
  now += ms;
  const due = timers.filter((each) => each.at <= now);
  timers = timers.filter((each) => each.at > now);
  due.forEach((each) => each.work());
};
globalThis.setTimeout = (work, ms) => {
  const timer = { work, at: now + ms };
  timers.push(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => (timers = timers.filter((each) => each !== timer));
globalThis.WebSocket = FakeSocket;
globalThis.location = { protocol: "http:", host: "localhost:7480" };
const kept = new Map();
globalThis.sessionStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text), removeItem: (name) => kept.delete(name) };
const live = await import("../../../../../broker/gateway/console/live.mjs");
const session = await import("../../../../../broker/gateway/console/session.mjs");
const { compact } = await import("../../../../../broker/gateway/console/json_text.mjs");

let state;
live.watchState((told) => (state = told));
const last = () => sockets[sockets.length - 1];

beforeEach(() => {
  advance(60000);
  session.logOut();
  live.reset();
  sockets.length = 0;
});

function followed(filter = {}) {
  const heard = [];
  const end = new AbortController();
  const told = (name) => (message) => heard.push([name, message]);
  const subscription = live.subscribe(filter, { change: told("change"), gap: told("gap"), error: told("error"), subscribed: told("subscribed") }, end.signal);
  return { heard, end, subscription };
}

test("a subscription opens the socket, asks, and hears what is meant for it, values as text", () => {
  const { heard, end } = followed({ ns: "a", subtree: false, glob: "k*" });
  assert.deepEqual([last().address, last().protocols, state.name], ["ws://localhost:7480/ws/config/subscribe", ["prismbus.v1"], "connecting"]);
  last().open();
  const [asked] = last().sent;
  assert.deepEqual(asked, { type: "subscribe", id: asked.id, ns: "a", subtree: false, glob: "k*", snapshot: false });
  last().say(`{"type":"change","id":${asked.id},"ns":"a","seq":1,"changes":[{"op":"put","key":"k","value":9223372036854775809}]}`);
  last().say({ type: "change", id: asked.id + 1, ns: "b", seq: 1, changes: [] });
  assert.deepEqual([state.name, heard.length, compact(heard[0][1].changes[0].value)], ["live", 1, "9223372036854775809"]);
  end.abort();
  assert.deepEqual(last().sent[1], { type: "unsubscribe", id: asked.id });
});

test("without subscriptions the socket is closed, but not between two pages", () => {
  const first = followed();
  last().open();
  first.end.abort();
  advance(1000);
  const second = followed();
  advance(5000);
  assert.deepEqual([sockets.length, last().closed], [1, false]);
  second.end.abort();
  advance(5000);
  assert.deepEqual([last().closed, state.name], [true, "off"]);
});

test("a socket that is lost is made again, each time later, and everything is asked for again under new ids", () => {
  const { end, subscription } = followed({ ns: "a" });
  last().open();
  subscription.pause();
  const waits = [];
  for (let i = 0; i < 8; i++) {
    const before = sockets.length;
    last().lose();
    assert.equal(state.name, "waiting");
    const begun = now;
    while (sockets.length === before) advance(50);
    waits.push(now - begun);
  }
  assert.ok(waits[0] >= 350 && waits[0] <= 700 && waits[7] >= 11000 && waits[7] <= 19000, waits.join());
  last().open();
  assert.deepEqual(last().sent.map((m) => m.type), ["subscribe", "pause"]);
  assert.equal(last().sent[0].id, last().sent[1].id);
  last().lose();
  const begun = now;
  const before = sockets.length;
  while (sockets.length === before) advance(50);
  assert.ok(now - begun <= 700, "after a success it begins anew");
  end.abort();
});

test("behind a gap it is asked for again, and what comes under the old id is not heard", () => {
  const { heard, end } = followed();
  last().open();
  const { id } = last().sent[0];
  last().say({ type: "gap", id, ns: "a", seq: 7 });
  assert.deepEqual(heard.map(([name]) => name), ["gap"]);
  assert.equal(last().sent[1].type, "subscribe");
  assert.notEqual(last().sent[1].id, id);
  last().say({ type: "change", id, ns: "a", seq: 8, changes: [] });
  last().say({ type: "error", id, error: { code: "not_found", message: "no such" } });
  assert.equal(heard.length, 1);
  end.abort();
});

test("the token goes along as a protocol, and one that has expired leads to a login", () => {
  session.logIn("a.b.c");
  let expired = 0;
  live.whenExpired(() => expired++);
  const { end } = followed();
  assert.deepEqual(last().protocols, ["prismbus.v1", "bearer.a.b.c"]);
  assert.ok(!last().address.includes("a.b.c"));
  last().open();
  last().lose(4401);
  assert.deepEqual([expired, state.name], [1, "off"]);
  advance(60000);
  assert.equal(sockets.length, 1);
  session.logOut();
  live.reset();
  assert.deepEqual([sockets.length, last().protocols], [2, ["prismbus.v1"]]);
  last().lose(4403);
  assert.deepEqual([state.name, state.why], ["waiting", "refused"]);
  end.abort();
});

test("the heads that come with a subscription tell what was missed, whatever the namespace is called", () => {
  for (const ns of ["a", "value"]) {
    const { heard, end } = followed({ ns, subtree: false });
    last().open();
    const { id } = last().sent.at(-1);
    last().say({ type: "subscribed", id, epoch: "e1", heads: { [ns]: { seq: 3, rev: 7 } } });
    const told = heard[0][1];
    const missed = (epoch, rev) => live.missed(told, ns, { epoch, rev });
    assert.deepEqual([missed("e1", 7), missed("e1", 8), missed("e1", 6), missed("e2", 7)], [false, false, true, true]);
    assert.equal(live.missed(told, "nothing", { epoch: "e1", rev: 0 }), false);
    end.abort();
    live.reset();
  }
});
