// What the editor takes for a value: what the broker's own reader of JSON takes (proto/json), told where it stands.
import assert from "node:assert/strict";
import test from "node:test";

import { parseValue } from "../../../../../broker/gateway/console/value_rules.mjs";

test("values the broker takes are taken", () => {
  const deep = `${"[".repeat(32)}${"]".repeat(32)}`;
  for (const text of [
    "18446744073709551615", "-9223372036854775808", "-0", "1e308", "4e-400", '{"$bin":""}', '{"$bin":"AAEC"}', '{"$bin":"AA=="}', '{"$ext":[0,"AAE="]}', '{"$ext":[127,""]}', '{"$ext":[-1,"AAAAAA=="]}',
    '{"$float":"-inf"}', '{"$map":[[1,2],[{"$bin":"AA=="},[]]]}', '{"$map":[]}', '{"$$bin":1}', '{"$bin":1,"b":2}', "{}", deep,
  ]) assert.doesNotThrow(() => parseValue(text), text);
});

test("values the broker refuses are refused, with what is wrong", () => {
  const deep = `${"[".repeat(33)}${"]".repeat(33)}`;
  for (const [text, why] of [
    ["18446744073709551616", /outside/], ["-9223372036854775809", /outside/], ["100000000000000000000000000000", /outside/], ["1e400", /beyond/], ["-1.5e999", /beyond/],
    ['{"$bin":"A"}', /base64/], ['{"$bin":"AB=="}x', /behind the value/], ['{"$bin":1}', /base64/], ['{"$ext":[128,""]}', /\$ext/], ['{"$ext":[-2,""]}', /\$ext/], ['{"$ext":[-1,"AAE="]}', /time/], ['{"$ext":[-1,"7ygAAAAAAAAAAAAA"]}', /time/], ['{"$bin":"AAF="}', /base64/], ['{"$ext":[1.5,""]}', /\$ext/],
    ['{"$ext":["1",""]}', /\$ext/], ['{"$ext":[1]}', /\$ext/], ['{"$ext":[1,"*"]}', /base64/], ['{"$float":"1"}', /\$float/], ['{"$float":1}', /\$float/], ['{"$map":[[1]]}', /\$map/],
    ['{"$map":1}', /\$map/], ['{"$map":[[[],1]]}', /a key of a map/], ['{"$map":[[1.5,1]]}', /a key of a map/], ['{"$map":[[0,1],[-0,2]]}', /twice/], ['{"$other":1}', /one more/], ['{"a":{"$map":[[1,1e999]]}}', /beyond/], [deep, /deeper/],
  ]) assert.throws(() => parseValue(text), why, text);
});

test("the place is that of what is wrong", () => {
  assert.throws(() => parseValue('{\n  "a": [1,\n   1e999]\n}'), { line: 3, column: 4 });
});
