// Values found, read, written and deleted in a real browser; every write on condition, every text as it was typed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Broker, until } from "./broker.mjs";
import { openBrowser, Page } from "./browser.mjs";

let broker;
let browser;
before(async () => {
  broker = await new Broker().serve();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  broker?.stop();
});

const valueOf = (ns, key) => `#/value?ns=${ns}&key=${encodeURIComponent(key)}`;

async function opened(hash, options) {
  const page = await Page.open(browser, broker.address, options);
  await page.go(hash);
  return page;
}
async function save(page, note = "") {
  await page.click("Review and save");
  await page.dialog().getByLabel("Note").fill(note);
  await page.dialog().getByRole("button", { name: "Save" }).click();
}

test("a value is found through the tree of namespaces and a search that the broker does", async () => {
  for (const symbol of ["BTCUSDT", "ETHUSDT"]) for (const key of ["tick_size", "lot/min", "lot/max"]) await broker.put("market.binance", `${symbol}/${key}`, "0.5");
  await broker.put("market.okx", "k", "1");
  const page = await opened("");
  await page.see("market");
  assert.deepEqual((await page.rows("Namespaces")).map((cells) => cells.slice(0, 2)), [["▾\nmarket", "7"], ["binance", "6"], ["okx", "1"]]);
  await page.role("link", "binance").click();
  await page.role("heading", "market.binance").waitFor();
  const keys = async () => (await page.rows("Keys")).map((cells) => cells[0]);
  await until(async () => (await keys()).length === 6, "all keys");
  const search = page.tab.getByRole("searchbox", { name: "Find" });
  await search.fill("lot/m");
  await search.press("Enter");
  await until(async () => (await keys()).length === 4, "the keys with lot/m");
  await search.fill("*/tick?size");
  await search.press("Enter");
  await until(async () => (await keys()).join() === "BTCUSDT/tick_size,ETHUSDT/tick_size", "what the glob matches");
  await page.role("link", "ETHUSDT/tick_size").click();
  await until(async () => (await page.editor.inputValue()) === "0.5", "the value");
  await page.close();
});

test("more keys than one page has come when they are asked for", async () => {
  const puts = Array.from({ length: 450 }, (unused, i) => `{"op":"put","ns":"many","key":"k${String(i).padStart(3, "0")}","value":${i}}`);
  assert.equal((await broker.ask("POST", "/api/v1/txn", `{"do":[${puts.join(",")}]}`)).status, 200);
  const page = await opened("#/keys?ns=many");
  await page.click("More keys");
  await until(async () => (await page.rows("Keys")).length === 400, "the second page");
  await page.click("More keys");
  await until(async () => (await page.rows("Keys")).length === 450, "the third page");
  await page.role("button", "More keys").waitFor({ state: "detached" });
  await page.close();
});

test("what JavaScript's numbers cannot hold is saved as it stands", async () => {
  const before = '{"big":9223372036854775809,"one":1.0,"least":-9223372036854775808,"bin":{"$bin":"AAEC"},"map":{"$map":[[1,"a"]]},"none":{"$float":"nan"},"word":"a"}';
  await broker.put("text", "numbers", before);
  assert.equal(await broker.value("text", "numbers"), before);
  const page = await opened(valueOf("text", "numbers"));
  await until(async () => (await page.editor.inputValue()).includes("9223372036854775809"), "the value");
  await page.editor.fill((await page.editor.inputValue()).replace('"word": "a"', '"word": "b"'));
  await page.see("Valid JSON. Changed, not saved.");
  await page.click("Review and save");
  const changed = await page.dialog().locator(".diff .less .line, .diff .more .line").allInnerTexts();
  assert.deepEqual(changed, ['  "word": "a"', '  "word": "b"']);
  await page.dialog().getByLabel("Note").fill("a word");
  await page.shot("review");
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.see(/^Saved as revision/);
  assert.equal(await broker.value("text", "numbers"), before.replace('"word":"a"', '"word":"b"'));
  const history = await broker.ask("GET", "/api/v1/history/text?key=numbers");
  assert.match(history.text, /"note":"a word"/);
  await page.close();
});

test("what is no value is told with its place, and cannot be saved", async () => {
  await broker.put("text", "wrong", "1");
  const page = await opened(valueOf("text", "wrong"));
  await until(async () => (await page.editor.inputValue()) === "1", "the value");
  for (const [text, told] of [
    ['{\n  "a": 1e400\n}', "Line 2, column 8: 1e400 is beyond what a 64-bit float holds"],
    ["[1,\n2,\n]", "Line 3, column 1: a comma with nothing behind it"],
    ["18446744073709551616", "Line 1, column 1: 18446744073709551616 is an integer outside of -2^63 .. 2^64-1"],
    ['{"a":1,"a":2}', 'Line 1, column 8: the name "a" stands twice'],
    ['{"$bin":"no base64"}', 'Line 1, column 1: "$bin" and "$ext" need base64'],
  ]) {
    await page.editor.fill(text);
    await page.see(told);
    assert.equal(await page.editor.getAttribute("aria-invalid"), "true");
    assert.ok(await page.role("button", "Review and save").isDisabled());
  }
  await page.shot("invalid");
  await page.click("Undo changes");
  assert.equal(await page.editor.inputValue(), "1");
  await page.close();
});

test("a key is written when it is not there, and deleted when that is confirmed", async () => {
  const page = await opened("#/keys?ns=fresh", { refusals: [404] });
  await page.see("No key here.");
  await page.label("New key").fill("list//..");
  await page.click("Write it");
  await page.see("No value yet.");
  await page.editor.fill("[1.0]");
  await save(page);
  await page.see(/^Saved as revision/);
  assert.equal(await broker.value("fresh", "list//.."), "[1.0]");
  await page.click("Delete");
  await page.dialog().getByRole("button", { name: "Cancel" }).click();
  assert.equal(await broker.value("fresh", "list//.."), "[1.0]");
  await page.click("Delete");
  await page.dialog().getByRole("button", { name: "Delete" }).click();
  await page.see(/^Deleted at revision/);
  assert.equal(await broker.value("fresh", "list//.."), null);
  await page.close();
});

test("a change of somebody else meanwhile is shown beside one's own, and neither is lost unasked", async () => {
  await broker.put("race", "k", '{"a":1,"b":1}');
  const page = await opened(valueOf("race", "k"), { refusals: [409] });
  await until(async () => (await page.editor.inputValue()).includes('"a": 1'), "the value");
  const typed = '{"a":2,"b":1}';
  await page.editor.fill(typed);
  await page.click("Review and save");
  await broker.put("race", "k", '{"a":1,"b":7}');
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.role("heading", "Changed by somebody else meanwhile").waitFor();
  assert.equal(await broker.value("race", "k"), '{"a":1,"b":7}');
  const column = (name) => page.tab.getByRole("region", { name: new RegExp(`^${name}:`) }).locator(".more .line").allInnerTexts();
  assert.deepEqual([await column("Where you began"), await column("Yours"), await column("Theirs")], [[], ['  "a": 2,'], ['  "b": 7']]);
  await page.shot("conflict");
  await page.accessible("a conflict");
  await page.click("Keep mine, on top of theirs");
  assert.equal(await page.editor.inputValue(), typed);
  await page.editor.fill('{"a":2,"b":7}');
  await save(page, "both");
  await page.see(/^Saved as revision/);
  assert.equal(await broker.value("race", "k"), '{"a":2,"b":7}');

  await page.editor.fill('{"a":3,"b":7}');
  await page.click("Review and save");
  await broker.put("race", "k", '{"a":9}');
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.click("Take theirs");
  assert.match(await page.editor.inputValue(), /"a": 9/);
  assert.ok(await page.role("button", "Review and save").isDisabled());
  await page.close();
});

test("a key that came meanwhile is a conflict too, and so is one that went", async () => {
  const page = await opened(valueOf("race", "new"), { refusals: [404, 409] });
  await page.see("No value yet.");
  await page.editor.fill('"mine"');
  await page.click("Review and save");
  await broker.put("race", "new", '"theirs"');
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.click("Keep mine, on top of theirs");
  await page.click("Review and save");
  await broker.ask("DELETE", "/api/v1/config/race?key=new");
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.see("not there");
  await page.click("Keep mine, on top of theirs");
  await save(page);
  await page.see(/^Saved as revision/);
  assert.equal(await broker.value("race", "new"), '"mine"');
  await page.close();
});

test("what was typed and not saved is there again on coming back", async () => {
  await broker.put("text", "draft", '"first"');
  const page = await opened(valueOf("text", "draft"));
  await until(async () => (await page.editor.inputValue()) === '"first"', "the value");
  await page.editor.fill('"half');
  await page.role("link", "text").click();
  await page.role("heading", "text").waitFor();
  await page.role("link", "draft").click();
  await page.see("What you had typed here without saving is back.");
  assert.equal(await page.editor.inputValue(), '"half');
  await page.click("Undo changes");
  await page.close();
});

test("markup in names, values and notes stays text", async () => {
  const markup = '<img src=x onerror="window.injected=1">';
  const ns = "markup";
  await broker.put(ns, markup, JSON.stringify(markup), markup);
  await broker.put(ns, markup, JSON.stringify({ [markup]: [markup] }), markup);
  const page = await opened(`#/keys?ns=${ns}`);
  await page.role("link", markup).waitFor();
  await page.go(valueOf(ns, markup));
  await until(async () => (await page.editor.inputValue()).includes("onerror"), "the value");
  await page.go(`#/history?ns=${ns}&key=${encodeURIComponent(markup)}`);
  await page.see("Revision");
  await until(async () => (await page.rows("Versions")).length === 2, "the history");
  await page.shot("markup");
  await page.go(`#/time?ns=${ns}&at=1000000`);
  await page.go(`#/keys?ns=${encodeURIComponent(markup)}&find=${encodeURIComponent(markup)}`);
  await page.tab.getByRole("alert").waitFor();
  await page.go("#/audit?span=0");
  await until(async () => (await page.rows("Audit records, newest first")).some((cells) => cells.join().includes(markup)), "the note in the audit");
  assert.equal(await page.tab.locator("img").count(), 0);
  assert.equal(await page.tab.evaluate(() => window.injected), undefined);
  page.refusals.add(400).add(503);
  page.wrong = page.wrong.filter((each) => !/status of (400|503)/.test(each));
  await page.close();
});

test("a large value is shown, edited and saved, and a difference of all of it is cut", async () => {
  const items = Array.from({ length: 6000 }, (unused, i) => `{"id":${i},"px":${i}.5,"on":true}`);
  const before = `[${items.join(",")}]`;
  await broker.put("large", "k", before);
  const page = await opened(valueOf("large", "k"));
  await until(async () => (await page.editor.inputValue()).length > before.length, "the value");
  // As a paste does; a browser takes seconds to type so much.
  const paste = (text) => page.editor.evaluate((field, pasted) => {
    field.value = pasted;
    field.dispatchEvent(new Event("input"));
  }, text);
  await paste((await page.editor.inputValue()).replace('"id": 4321,', '"id": -1,'));
  await page.see(/^Valid JSON.*Changed, not saved\.$/);
  await page.click("Review and save");
  assert.deepEqual(await page.dialog().locator(".diff .less .line, .diff .more .line").allInnerTexts(), ['    "id": 4321,', '    "id": -1,']);
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.see(/^Saved as revision/);
  assert.equal(await broker.value("large", "k"), before.replace('"id":4321,', '"id":-1,'));
  await paste(`[${items.map((each) => each.replace("true", "false")).join(",")}]`);
  await page.see(/^Valid JSON.*Changed, not saved\.$/);
  await page.click("Review and save");
  await page.dialog().getByText("more lines are not shown").waitFor();
  await page.dialog().getByRole("button", { name: "Cancel" }).click();
  await page.close();
});
