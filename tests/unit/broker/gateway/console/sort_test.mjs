// What rows are sorted by.
import assert from "node:assert/strict";
import test from "node:test";

import { comparer, Order } from "../../../../../broker/gateway/console/sort.mjs";

test("numbers by value, texts by their characters, what is not there last either way", () => {
  const rows = [{ n: 10 }, { n: 9 }, {}, { n: 100 }];
  const sorted = (down) => [...rows].sort(comparer((row) => row.n, down)).map((row) => row.n);
  assert.deepEqual([sorted(false), sorted(true)], [[9, 10, 100, undefined], [100, 10, 9, undefined]]);
  assert.deepEqual(["b", "B", "a"].sort(comparer((text) => text, false)), ["B", "a", "b"]);
});

test("a second choice of a column turns it round, and only the first order is the natural one", () => {
  let changes = 0;
  const order = new Order({ key: { of: (row) => row.key }, rev: { of: (row) => row.rev, down: true } }, "key", () => changes++);
  const state = () => [order.by, order.down, order.natural];
  assert.deepEqual(state(), ["key", false, true]);
  order.choose("rev");
  assert.deepEqual(state(), ["rev", true, false]);
  order.choose("rev");
  assert.deepEqual(state(), ["rev", false, false]);
  order.choose("key");
  assert.deepEqual(state(), ["key", false, true]);
  order.choose("key");
  assert.deepEqual([...state(), changes], ["key", true, false, 4]);
});
