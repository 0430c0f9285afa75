// What the editor takes for a value and what the broker takes are the same: texts made at random, judged by both. A disagreement
// would either keep somebody from writing what he may, or let him believe that he can.
import assert from "node:assert/strict";
import { test } from "node:test";

import { compact } from "../../../broker/gateway/console/json_text.mjs";
import { parseValue } from "../../../broker/gateway/console/value_rules.mjs";
import { Broker } from "./broker.mjs";

const kTexts = 1500;
const kAtOnce = 16;

class Random {
  constructor(seed) {
    this.state = seed;
  }
  below(n) {
    this.state = (this.state * 1103515245 + 12345) % 2147483648;
    return Math.floor((this.state / 2147483648) * n);
  }
  of(list) {
    return list[this.below(list.length)];
  }
}

const kScalars = [
  "0", "1.0", "-0", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "1e400", "1e308", "4e-400", "01", "1.", "true", "null", "nul",
  '"a"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\t"', '"$bin"', '""', '"ü"', "[]", "{}", "",
];
const kDollar = ["$bin", "$ext", "$float", "$map", "$$bin", "$other", "$"];
const kBase64 = ['"AAEC"', '"AA=="', '"AAE="', '"AB=="', '"AAF="', '"A"', '"A==="', '"AA-_"', '""', "1", '"AAAAAA=="', '"7msoAAAAAAA="', '"7msn/AAAAAA="', '"O5rKAAAAAAAAAAAA"', '"O5rJ/wAAAAAAAAAA"'];

function made(random, depth) {
  const inner = () => made(random, depth + 1);
  switch (depth > 4 ? 0 : random.below(8)) {
    case 0: case 1: case 2:
      return random.of(kScalars);
    case 3:
      return `[${Array.from({ length: random.below(4) }, inner).join(",")}]`;
    case 4:
      return `{${Array.from({ length: random.below(4) }, () => `${random.of(['"a"', '"b"', '"\\u0061"', '"$bin"', "a"])}:${inner()}`).join(",")}}`;
    case 5:
      return `{"${random.of(kDollar)}":${random.of(kBase64)}}`;
    case 6:
      return `{"${random.of(kDollar)}":[${random.of(["1", "-1", "-2", "127", "128", "1.0", '"1"'])},${random.of(kBase64)}]}`;
    default:
      return `{"$map":[[${inner()},${inner()}]${random.below(2) ? `,[${inner()},1]` : ""}]}`;
  }
}

test("the editor and the broker agree on what is a value, and the text comes back", async () => {
  const seed = Number(process.env.PRISMBUS_SEED ?? Date.now() % 1e6);
  console.log(`PRISMBUS_SEED=${seed}`);
  const random = new Random(seed);
  const broker = await new Broker().serve();
  const count = { taken: 0, refused: 0 };
  const judge = async (text, key) => {
    let node = null;
    try {
      node = parseValue(text);
    } catch (mistake) {
      assert.equal(typeof mistake.line, "number", mistake.stack);
    }
    const answer = await broker.ask("PUT", `/api/v1/config/rules?key=${key}`, text);
    assert.equal(node !== null, answer.status < 300, `${text}: ${answer.text}`);
    if (node === null) return void count.refused++;
    count.taken++;
    if (/[.eE"$]|-0/.test(text)) return; // the broker writes floats and strings its own way
    assert.equal(await broker.value("rules", key), compact(node));
  };
  try {
    for (let i = 0; i < kTexts; i += kAtOnce) await Promise.all(Array.from({ length: kAtOnce }, (unused, j) => judge(made(random, 0), `k${j}`)));
  } finally {
    broker.stop();
  }
  console.log(count);
  assert.ok(count.taken > 100 && count.refused > 100);
});
