// What was: the history of a key, a namespace as of a moment, and both taken back.
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

async function opened(hash) {
  const page = await Page.open(browser, broker.address);
  await page.go(hash);
  return page;
}

test("two versions of a key are compared, and one comes back with a note", async () => {
  for (const [text, note] of [['{"a":1.0}', "one"], ['{"a":18446744073709551615}', "two"], ['{"a":3}', "three"]]) await broker.put("past", "k", text, note);
  const page = await opened("#/history?ns=past&key=k");
  await until(async () => (await page.rows("Versions")).length === 3, "the versions");
  assert.deepEqual((await page.rows("Versions")).map((cells) => cells[7]), ["three", "two", "one"]);
  const marked = async () => [await page.tab.locator(".diff .less .line").allInnerTexts(), await page.tab.locator(".diff .more .line").allInnerTexts()];
  assert.deepEqual(await marked(), [['  "a": 18446744073709551615'], ['  "a": 3']]);
  await page.tab.getByRole("radio", { name: /^From revision/ }).last().check();
  assert.deepEqual(await marked(), [['  "a": 1.0'], ['  "a": 3']]);
  await page.tab.getByRole("button", { name: /^Roll back to revision/ }).last().click();
  await page.dialog().getByLabel("Note").fill("three was wrong");
  await page.shot("rollback");
  await page.accessible("a dialog");
  await page.dialog().getByRole("button", { name: "Roll back" }).click();
  await page.see(/^Rolled back; revision/);
  assert.equal(await broker.value("past", "k"), '{"a":1.0}');
  assert.deepEqual((await page.rows("Versions")).map((cells) => cells[7]), ["three was wrong", "three", "two", "one"]);
  await page.close();
});

test("a namespace is shown as of a revision and of a time, with what has changed since, and is rolled back whole", async () => {
  await broker.put("then", "kept", "1.0");
  await broker.put("then", "changed", '"before"');
  const { rev } = await broker.put("then", "gone", "true");
  const entry = await broker.ask("GET", "/api/v1/config/then?key=gone");
  const time = Number(/"time":(\d+)/.exec(entry.text)[1]);
  // The moment is written in whole seconds: what changes has to change in a later one. A browser leaves ":00" out.
  let second = Math.floor(time / 1e6) + 1;
  if (second % 60 === 0) second += 1;
  await until(() => Date.now() > second * 1000, "the next second");
  await broker.put("then", "changed", '"after"');
  await broker.ask("DELETE", "/api/v1/config/then?key=gone");
  await broker.put("then", "new", "null");
  const expectation = async (page) => {
    await until(async () => (await page.rows("Everything as it was")).length === 3, "the state then");
    assert.deepEqual((await page.rows("Everything as it was")).map((cells) => cells.slice(0, 2)), [["changed", '"before"'], ["gone", "true"], ["kept", "1.0"]]);
    assert.deepEqual((await page.rows("Changed since then")).map((cells) => cells.slice(0, 3)), [["changed", '"before"', '"after"'], ["gone", "true", "—"], ["new", "—", "null"]]);
  };
  const page = await opened("#/time");
  await page.label("Namespace").fill("then");
  await page.label("or revision").fill(String(rev));
  await page.click("Show");
  await expectation(page);
  await page.shot("time-machine");
  await page.go("#/time?ns=then");
  const moment = new Date(second * 1000).toISOString().slice(0, 19);
  await page.label("At").fill(moment);
  await page.click("Show");
  await page.tab.waitForURL(/at_time=/);
  await expectation(page);
  await page.tab.getByRole("button", { name: /^Roll the namespace back/ }).click();
  await page.dialog().getByLabel("Note").fill("back");
  await page.dialog().getByRole("button", { name: "Roll back" }).click();
  await page.see(/^Rolled back 3 keys/);
  assert.deepEqual([await broker.value("then", "changed"), await broker.value("then", "gone"), await broker.value("then", "new")], ['"before"', "true", null]);
  await page.close();
});
