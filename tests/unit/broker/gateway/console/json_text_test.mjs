// JSON as text: what went in comes out, and what is no JSON is told with its place.
import assert from "node:assert/strict";
import test from "node:test";

import { compact, JsonMistake, parse, plain, pretty } from "../../../../../broker/gateway/console/json_text.mjs";

test("numbers keep their source, whatever JavaScript makes of them", () => {
  for (const text of ["9223372036854775809", "18446744073709551615", "1.0", "1e400", "-0", "-0.0", "1.0000000000000000001", "1E+2", "0.1e-7"]) {
    assert.equal(compact(parse(text)), text);
    assert.equal(compact(parse(`{"a":[${text}]}`)), `{"a":[${text}]}`);
    assert.ok(pretty(parse(`{"a":[${text}]}`)).includes(text));
  }
});

test("strings keep their escapes, names their order", () => {
  const text = '{"z":"\\u0041\\/","a":"\\ud83d\\ude00 \u20ac \\"","\\u0062":null,"__proto__":true}';
  assert.equal(compact(parse(text)), text);
  const node = parse(text);
  assert.deepEqual(node.members.map((m) => m.name), ["z", "a", "b", "__proto__"]);
  assert.equal(node.members[1].value.text, '\u{1f600} \u20ac "');
});

test("a pretty text is the same value, and pretty again", () => {
  const text = '{"a":{"b":[1,2.0,"x"],"c":[]},"d":[{"e":{}},[[1]]],"long":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}';
  const lines = pretty(parse(text));
  assert.equal(compact(parse(lines)), text);
  assert.equal(pretty(parse(lines)), lines);
  assert.ok(lines.includes('\n    "b": [1, 2.0, "x"],\n'));
});

test("every mistake is told with its line and column", () => {
  const told = (text) => {
    try {
      parse(text);
    } catch (mistake) {
      assert.ok(mistake instanceof JsonMistake, mistake.stack);
      return `${mistake.line}:${mistake.column}`;
    }
    return "none";
  };
  const cases = {
    "": "1:1", " ": "1:2", "{": "1:2", "[1,]": "1:4", "[1 2]": "1:4", '{"a" 1}': "1:6", "{a:1}": "1:2", '{"a":1,}': "1:8", '{"a":1,"a":2}': "1:8", "01": "1:2", "1.": "1:2",
    ".5": "1:1", "-": "1:1", "+1": "1:1", "1e": "1:2", "nul": "1:1", "tru e": "1:1", '"a': "1:1", '"\\x"': "1:2", '"\t"': "1:2", '"\\ud800"': "1:1", "1 1": "1:3", "[\n1,\n  x]": "3:3",
    "NaN": "1:1", "'a'": "1:1", "[1]]": "1:4", "\ufeff1": "1:1", "\u00a01": "1:1", [`${"[".repeat(101)}`]: "1:101", "0x10": "1:2", "1.5.1": "1:4",
  };
  for (const [text, place] of Object.entries(cases)) assert.equal(told(text), place, JSON.stringify(text));
});

test("it takes what JSON.parse takes and refuses what that refuses, but for names that stand twice and half surrogates", () => {
  const seed = Number(process.env.PRISMBUS_SEED ?? Date.now() % 1e6);
  console.log(`PRISMBUS_SEED=${seed}`);
  let state = seed;
  const random = (n) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * n);
  };
  const pieces = ["{", "}", "[", "]", ",", ":", '"a"', '"b"', '"\\n"', "1", "-2.5e3", "true", "null", " ", "\n", '"', "\\", "0", "-", "e", "."];
  const judged = (judge, text) => {
    try {
      judge(text);
      return true;
    } catch (error) {
      if (/stands twice/.test(error.message)) return undefined;
      return false;
    }
  };
  let good = 0;
  for (let i = 0; i < 30000; i++) {
    const text = Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)]).join("");
    const ours = judged(parse, text);
    if (ours === undefined) continue;
    assert.equal(ours, judged(JSON.parse, text), JSON.stringify(text));
    if (!ours) continue;
    good++;
    assert.deepEqual(JSON.parse(compact(parse(text))), JSON.parse(text));
    assert.deepEqual(JSON.parse(pretty(parse(text))), JSON.parse(text));
  }
  assert.ok(good > 100, `only ${good} of them were JSON`);
});

test("a reply becomes plain objects in which values stay text", () => {
  const reply = plain(parse('{"rev":7,"entries":[{"key":"value","value":{"value":1.0,"n":18446744073709551615}}],"big":18446744073709551615,"more":false,"none":null}'), new Set(["value"]));
  assert.equal(reply.rev, 7);
  assert.equal(reply.entries[0].key, "value");
  assert.equal(compact(reply.entries[0].value), '{"value":1.0,"n":18446744073709551615}');
  assert.equal(reply.big, "18446744073709551615");
  assert.deepEqual([reply.more, reply.none, reply.__proto__], [false, null, undefined]);
});
