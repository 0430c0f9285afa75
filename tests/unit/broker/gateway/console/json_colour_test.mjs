// A text in coloured pieces: put together they are the text, whatever it is, and JSON is told apart.
import assert from "node:assert/strict";
import test from "node:test";

import { pieces } from "../../../../../broker/gateway/console/json_colour.mjs";

const of = (text, kind) => pieces(text).filter((piece) => piece.kind === kind).map((piece) => piece.text);

test("names, strings, numbers and words are told apart", () => {
  const text = '{"a" : "b:c", "n":-1.5e3,\n"list":[true,false,null, 18446744073709551615], "q\\"": "\\\\"}';
  assert.deepEqual(of(text, "name"), ['"a"', '"n"', '"list"', '"q\\""']);
  assert.deepEqual(of(text, "string"), ['"b:c"', '"\\\\"']);
  assert.deepEqual(of(text, "number"), ["-1.5e3", "18446744073709551615"]);
  assert.deepEqual(of(text, "word"), ["true", "false", "null"]);
});

test("a string that is not closed ends with its line", () => {
  assert.deepEqual(of('{"a": "b\n, "c": 1}', "string"), ['"b']);
  assert.deepEqual(of('{"a": "b\n, "c": 1}', "number"), ["1"]);
  assert.deepEqual(of("nullable truth", "word"), []);
});

test("of any text nothing is lost, doubled or moved", () => {
  const seed = Number(process.env.PRISMBUS_SEED ?? Date.now() % 1e6);
  console.log(`PRISMBUS_SEED=${seed}`);
  let state = seed;
  const below = (n) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 65536) % n;
  };
  const parts = ['"', "\\", "\n", ":", "-", "0", "9e", "true", "nul", "f", "{", " ", "é", "\ud83d\ude00", "\ud83d", "\t"];
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: below(20) }, () => parts[below(parts.length)]).join("");
    assert.equal(pieces(text).map((piece) => piece.text).join(""), text, JSON.stringify(text));
  }
});

test("a text of a megabyte takes no longer than its length", () => {
  for (const text of ['"'.repeat(1 << 20), "\\".repeat(1 << 20), `"${"a".repeat(1 << 20)}`, " ".repeat(1 << 20), `"a"${" ".repeat(1 << 20)}`])
    assert.equal(pieces(text).reduce((n, piece) => n + piece.text.length, 0), text.length);
});
