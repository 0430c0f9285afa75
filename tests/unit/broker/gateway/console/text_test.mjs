// How figures, times, globs and addresses are written.
import assert from "node:assert/strict";
import test from "node:test";

import { ago, bytes, clock, count, exactGlob, exactTime, fromLocalInput, globOf, link, localInput, micros, minutesLeft, prismbusLine, shell, time } from "../../../../../broker/gateway/console/text.mjs";

test("a part of a key becomes a glob, a glob stays, addresses keep every character", () => {
  assert.deepEqual([globOf(""), globOf("a/b"), globOf("a\\"), globOf("a*")], [null, "**a/b**", "**a\\\\**", "a*"]);
  assert.equal(link("value", { ns: "a", key: "b/c d&é=", none: null }), "#/value?ns=a&key=b%2Fc%20d%26%C3%A9%3D");
});

test("figures have few digits and a unit", () => {
  assert.deepEqual([count(0), count(1234567), count("18446744073709551615")], ["0", "1\u202f234\u202f567", "18446744073709551615"]);
  assert.deepEqual([bytes(0), bytes(1023), bytes(1536), bytes(20 << 20), bytes(2 ** 50)], ["0 B", "1023 B", "1.5 KiB", "20 MiB", "1024 TiB"]);
  assert.deepEqual([micros(7), micros(1500), micros(12345), micros(345678), micros(2500000), micros(undefined)], ["7 µs", "1.50 ms", "12.3 ms", "346 ms", "2.50 s", ""]);
  assert.deepEqual([ago(1e6, 31e6), ago(1, 7200e6), ago(1, 3 * 86400e6), ago(5e6, 5e6), ago(undefined)], ["30 s ago", "2 h ago", "3 d ago", "now", ""]);
});

test("a time is local, to the microsecond where there is room", () => {
  const us = new Date(2026, 10, 28, 9, 14, 3).getTime() * 1000 + 123456;
  assert.equal(time(us), "2026-11-28 09:14:03.123");
  assert.match(exactTime(us), /^2026-11-28 09:14:03\.123456 [+-][0-9]{2}:[0-9]{2}$/);
  assert.equal(fromLocalInput(localInput(us)), us - 123456);
  assert.deepEqual([time(0), time(undefined), fromLocalInput("x")], ["", "", null]);
});

test("of today only the clock is said", () => {
  const at = (day, hour) => new Date(2026, 10, day, hour, 14, 3).getTime() * 1000 + 123456;
  assert.deepEqual([clock(at(28, 9), at(28, 23)), clock(at(27, 9), at(28, 9)), clock(0)], ["09:14:03.123", "2026-11-27 09:14:03.123", ""]);
});

test("a line for a shell says the same words, whatever is in them", () => {
  assert.equal(shell(["prismbus", "put", "a.b", "c/d_1"]), "prismbus put a.b c/d_1");
  assert.equal(shell(["it's", "$(x)", "", "a b"]), "'it'\\''s' '$(x)' '' 'a b'");
  assert.equal(prismbusLine("get", ["a", "-x"]), "prismbus get -- a -x");
  assert.equal(prismbusLine("watch", ["a"], ["--glob", exactGlob("b*?\\c")]), "prismbus watch --glob 'b\\*\\?\\\\c' a");
});

test("minutes are counted when few are left", () => {
  assert.deepEqual([minutesLeft(null, 0), minutesLeft(600000, 0), minutesLeft(599999, 0), minutesLeft(59999, 0), minutesLeft(0, 5)], [null, null, 9, 0, 0]);
});
