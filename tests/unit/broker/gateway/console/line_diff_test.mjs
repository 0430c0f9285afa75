// The difference of two texts: it makes the one of the other, with few lines more than needed.
import assert from "node:assert/strict";
import test from "node:test";

import { folded, lineDiff, markedLines } from "../../../../../broker/gateway/console/line_diff.mjs";

const told = (a, b) => lineDiff(a, b).map((row) => row.op + row.line).join(" ");

test("lines that are equal stay", () => {
  assert.equal(told("a\nb\nc", "a\nx\nc"), "=a -b +x =c");
  assert.equal(told("a\nb", "a\nb"), "=a =b");
  assert.equal(told(null, "a"), "+a");
  assert.equal(told("a", null), "-a");
  assert.deepEqual(lineDiff("a\nb", "b\nc").map((row) => [row.before, row.after]), [[1, null], [2, 1], [null, 2]]);
});

test("of random texts it gives both back, in as few edits as a longest common subsequence leaves", () => {
  const seed = Number(process.env.PRISMBUS_SEED ?? Date.now() % 1e6);
  console.log(`PRISMBUS_SEED=${seed}`);
  let state = seed;
  const random = (n) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * n);
  };
  const common = (a, b) => {
    const row = new Array(b.length + 1).fill(0);
    for (const x of a) {
      let diagonal = 0;
      b.forEach((y, j) => {
        const above = row[j + 1];
        row[j + 1] = x === y ? diagonal + 1 : Math.max(above, row[j]);
        diagonal = above;
      });
    }
    return row[b.length];
  };
  for (let i = 0; i < 3000; i++) {
    const text = () => Array.from({ length: 1 + random(12) }, () => "abc"[random(3)]);
    const a = text();
    const b = text();
    const rows = lineDiff(a.join("\n"), b.join("\n"));
    assert.deepEqual(rows.filter((r) => r.op !== "+").map((r) => r.line), a);
    assert.deepEqual(rows.filter((r) => r.op !== "-").map((r) => r.line), b);
    assert.equal(rows.filter((r) => r.op === "=").length, common(a, b), `${a} ${b}`);
  }
});

test("texts with nothing in common do not keep anybody waiting", () => {
  const many = (letter) => Array.from({ length: 20000 }, (unused, i) => letter + i).join("\n");
  const begun = Date.now();
  const rows = lineDiff(many("a"), many("b"));
  assert.equal(rows.length, 40000);
  assert.ok(Date.now() - begun < 10000);
});

test("what is far from any change is folded", () => {
  const lines = Array.from({ length: 30 }, (unused, i) => String(i));
  const rows = folded(lineDiff(lines.join("\n"), lines.map((l) => (l === "15" ? "x" : l)).join("\n")), 2);
  assert.deepEqual(rows.map((r) => (r.op === "…" ? r.count : r.op)), [13, "=", "=", "-", "+", "=", "=", 12]);
});

test("where lines gave way to as many others it is marked what differs in each, whole characters of it", () => {
  const marks = (a, b) => markedLines(lineDiff(a, b)).filter((row) => row.marked !== undefined).map((row) => row.marked);
  assert.deepEqual(marks('"net": 300000,', '"net": 310000,'), [['"net": 3', "0", '0000,'], ['"net": 3', "1", "0000,"]]);
  assert.deepEqual(marks("a\nx1\ny1\nb", "a\nx2\ny2\nb"), [["x", "1", ""], ["y", "1", ""], ["x", "2", ""], ["y", "2", ""]]);
  assert.deepEqual(marks("a\nx\nb", "a\nx1\ny\nb"), []); // nobody can say which of the two it became
  assert.deepEqual(marks("aa", "aaa"), [["aa", "", ""], ["aa", "a", ""]]);
  assert.deepEqual(marks("<\u{1f600}>", "<\u{1f601}>"), [["<", "\u{1f600}", ">"], ["<", "\u{1f601}", ">"]]);
});
