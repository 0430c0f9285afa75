// What makes the console pleasant: keys of the keyboard, copies, commands that do what they say, orders, addresses that can be
// kept, a value in colours, names that are as long as they may be.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";

import { shell } from "../../../broker/gateway/console/text.mjs";
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

async function opened(hash, options) {
  const page = await Page.open(browser, broker.address, options);
  await page.go(hash);
  return page;
}
const heading = (page, name) => page.tab.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const copied = (page) => page.tab.evaluate(() => navigator.clipboard.readText());
// As a person would in a terminal.
function run(line) {
  const env = { ...process.env, PATH: `${process.env.PRISMBUS_BIN}:${process.env.PATH}`, PRISMBUS_BROKER: broker.ready.requests[0] };
  return execFileSync("sh", ["-c", line], { env, encoding: "utf8" });
}

test("single keys find, go, lead up and help, but not while somebody types, nor when they are switched off", async () => {
  await broker.put("keys.below", "k", '"v"');
  const page = await opened("#/");
  await page.role("link", "below").waitFor();
  const { keyboard } = page.tab;
  await keyboard.press("/");
  const field = page.tab.getByRole("searchbox", { name: "Find" });
  assert.ok(await field.evaluate((each) => each === document.activeElement));
  await keyboard.type("g?b"); // text, in here
  assert.equal(await field.inputValue(), "g?b");
  assert.equal(await page.dialog().count(), 0);
  await page.go("#/value?ns=keys.below&key=k");
  await until(async () => (await page.editor.inputValue()) === '"v"', "the value");
  await keyboard.press("?");
  await page.dialog().getByRole("heading", { name: "Help" }).waitFor();
  await page.shot("help");
  await page.accessible("the help");
  await page.fits("the help");
  await keyboard.press("Escape");
  await page.dialog().waitFor({ state: "detached" });
  await keyboard.press("e");
  assert.ok(await page.editor.evaluate((each) => each === document.activeElement));
  await keyboard.press("Control+A");
  await keyboard.type('"w"');
  await keyboard.press("Control+S");
  await page.dialog().getByRole("heading", { name: "Save this change?" }).waitFor();
  await keyboard.press("Escape");
  await page.click("Undo changes");
  await keyboard.press("u");
  await heading(page, "keys.below");
  await keyboard.press("u");
  await heading(page, "Namespaces");
  assert.equal(await field.inputValue(), "keys.");
  await keyboard.press("g");
  await keyboard.press("l");
  await heading(page, "Live");
  await page.click("Help");
  await page.label("Single keys work").uncheck();
  await page.click("Close");
  await page.tab.locator("h1").click();
  await keyboard.press("g");
  await keyboard.press("b");
  await keyboard.press("?");
  await page.tab.reload();
  await heading(page, "Live");
  assert.equal(await page.dialog().count(), 0);
  await page.close();
});

test("names and values are copied whole, and it is said", async () => {
  await broker.put("copy.it", "a b/c", "[1.0,18446744073709551615]");
  const page = await opened("#/value?ns=copy.it&key=a%20b%2Fc", { permissions: ["clipboard-read", "clipboard-write"] });
  await until(async () => (await page.editor.inputValue()) !== "", "the value");
  await page.click("Copy the key");
  await page.tab.locator("#said").getByText("Copied").waitFor({ state: "attached" });
  assert.equal(await copied(page), "a b/c");
  await page.click("Copy the value");
  assert.equal(await copied(page), "[1.0, 18446744073709551615]");
  await page.role("link", "it").click();
  await page.click("Copy the namespace");
  assert.equal(await copied(page), "copy.it");
  await page.close();
});

test("the commands beside a value give it, whatever its key", async () => {
  for (const key of ["plain/key", "it's $(a) *?\\ `key`", "-dash"]) {
    await broker.put("shell", key, JSON.stringify(`of ${key}`));
    const page = await opened(`#/value?ns=shell&key=${encodeURIComponent(key)}`, { permissions: ["clipboard-read", "clipboard-write"] });
    const line = async (start) => {
      await page.role("button", new RegExp(`^Copy: ${start}`)).click();
      return copied(page);
    };
    assert.equal(run(await line("prismbus get")).trim(), JSON.stringify(`of ${key}`));
    assert.equal(JSON.parse(run(await line("curl"))).value, `of ${key}`);
    const seen = run(`${await line("prismbus watch")} --json ${shell(["--until", `${key}=${JSON.stringify(`of ${key}`)}`])}`);
    assert.deepEqual(seen.split("\n").filter((each) => each.includes('"snapshot"')).flatMap((each) => JSON.parse(each).entries.map((entry) => entry.key)), [key]);
    await page.close();
  }
});

test("where nothing is, it is said what to do, and the command does it", async () => {
  const page = await opened("#/keys?ns=empty.here", { permissions: ["clipboard-read", "clipboard-write"], refusals: [404] });
  await page.see("No key here.");
  await page.accessible("an empty namespace");
  await page.role("button", /^Copy: prismbus put/).click();
  run(await copied(page));
  await page.click("Show it"); // it was heard of
  await until(async () => (await page.rows("Keys")).length === 1, "the key that the command made");
  await page.tab.getByRole("searchbox", { name: "Find" }).fill("nothing");
  await page.see("No key matches.");
  await page.go("#/value?ns=empty.here&key=none");
  await page.see("not there: what is saved here creates it");
  await page.go("#/history?ns=empty.here&key=none");
  await page.see("Nothing of it is kept.");
  await page.go("#/subscribers?ns=empty.here");
  await page.see("Nobody follows empty.here.");
  await page.go("#/feed?ns=empty.here");
  await page.see("Nothing yet.");
  await page.go("#/time?ns=empty.here&at=100000");
  await page.see(/^Revision 100.000 is still to come/);
  await page.close();
});

test("a fresh broker says how to begin, also where it has written its own policy already", async () => {
  const fresh = await new Broker({ secured: true }).serve();
  try {
    const page = await Page.open(browser, fresh.address, { token: fresh.admin, refusals: [404] });
    await page.go("#/");
    await page.role("link", "policy").waitFor();
    await page.see("Nothing has been written yet.");
    await page.accessible("a fresh broker");
    await page.label("Namespace").fill("first");
    await page.label("Key").fill("a/b");
    await page.click("Write it");
    await page.editor.fill("1.0");
    await page.click("Review and save");
    await page.dialog().getByRole("button", { name: "Save" }).click();
    await page.see(/^Saved as revision/);
    assert.equal(await fresh.value("first", "a/b"), "1.0");
    await page.close();
  } finally {
    fresh.stop();
  }
});

test("keys are sorted over all pages of them, namespaces beside their siblings", async () => {
  const puts = Array.from({ length: 450 }, (unused, i) => `{"op":"put","ns":"order.many","key":"k${String(i).padStart(3, "0")}","value":${i}}`);
  await broker.ask("POST", "/api/v1/txn", `{"do":[${puts.join(",")}]}`);
  await broker.put("order.few", "k", "1");
  const { rev } = await broker.put("order.many", "k449", '"last"'); // on the third page
  const page = await opened("#/keys?ns=order.many");
  await until(async () => (await page.rows("Keys")).length === 200, "the first page");
  await page.click("Revision");
  await until(async () => (await page.rows("Keys")).length === 450, "all of them");
  assert.deepEqual((await page.rows("Keys"))[0].slice(0, 3), ["k449", '"last"', String(rev)]);
  assert.equal(await page.tab.getByRole("columnheader", { name: "Revision" }).getAttribute("aria-sort"), "descending");
  await page.accessible("sorted keys");
  await page.click("Key");
  await until(async () => (await page.rows("Keys")).length === 200, "the first page again");
  await page.go("#/?find=order.");
  const names = async () => (await page.rows("Namespaces")).map((cells) => cells[0].split("\n").pop());
  await until(async () => (await names()).length === 3, "the namespaces");
  assert.deepEqual(await names(), ["order", "few", "many"]);
  await page.click("Keys");
  assert.deepEqual(await names(), ["order", "many", "few"]);
  await page.close();
});

test("an address brings back what was looked at", async () => {
  for (const text of ["1", "2", "3"]) await broker.put("kept", "k", text);
  const page = await opened("#/history?ns=kept&key=k");
  await until(async () => (await page.rows("Versions")).length === 3, "the versions");
  await page.tab.getByRole("radio", { name: /^From revision/ }).last().check();
  const before = await page.tab.locator(".diff .less .line").innerText();
  assert.equal(before, "1");
  await page.tab.reload();
  await until(async () => (await page.tab.locator(".diff .less .line").allInnerTexts()).join() === "1", "the same comparison");
  await page.go("#/feed");
  await page.label("Namespace").fill("kept");
  await page.label("Key").fill("tick");
  await page.label("and below").uncheck();
  await page.click("Filter");
  await page.tab.reload();
  await until(async () => (await page.label("Key").inputValue()) === "tick", "the filter");
  assert.deepEqual([await page.label("Namespace").inputValue(), await page.label("and below").isChecked()], ["kept", false]);
  assert.equal(await page.tab.title(), "kept, live – prismbus");
  await page.go("#/?find=kept");
  assert.equal(await page.tab.getByRole("searchbox", { name: "Find" }).inputValue(), "kept");
  await page.close();
});

test("what is typed stands in colours behind the field, letter by letter the same, and the way to a mistake is short", async () => {
  await broker.put("colour", "k", '{"name":"text","n":1.0,"on":true}');
  const page = await opened("#/value?ns=colour&key=k");
  const colours = page.tab.locator(".code-field pre");
  await until(async () => (await colours.locator(".json-name").count()) === 3, "the colours");
  assert.equal(await colours.evaluate((each) => each.textContent), await page.editor.inputValue());
  const painted = (place) => place.evaluate((each) => getComputedStyle(each).webkitTextFillColor);
  assert.equal(await painted(page.editor), "rgba(0, 0, 0, 0)");
  await page.editor.fill('{"a": [tru]}');
  assert.equal(await colours.evaluate((each) => each.textContent), '{"a": [tru]}');
  await page.click("Go to it");
  assert.deepEqual(await page.editor.evaluate((each) => [each === document.activeElement, each.selectionStart]), [true, 7]);
  // The field and its colours are scrolled together.
  await page.editor.fill(`[\n${Array.from({ length: 300 }, (unused, i) => `"${"x".repeat(400)}${i}"`).join(",\n")}]`.slice(0, 29000));
  await page.editor.evaluate((each) => each.scrollTo(500, 700));
  await until(() => page.editor.evaluate((each) => {
    const behind = document.querySelector(".code-field pre");
    return each.scrollTop === 700 && behind.scrollTop === 700 && behind.scrollLeft === each.scrollLeft;
  }), "the same place");
  // Of a long text the field paints itself.
  await page.editor.evaluate((each) => {
    each.value = `[${"1,".repeat(20000)}1]`;
    each.dispatchEvent(new Event("input"));
  });
  assert.notEqual(await painted(page.editor), "rgba(0, 0, 0, 0)");
  assert.equal(await colours.evaluate((each) => each.textContent), "");
  await page.close();
});

test("the longest key leaves room for its value, and a namespace may be called value", async () => {
  await broker.put("value", "x".repeat(255), '"seen"');
  await broker.put("value", "short", '"too"');
  const page = await opened("#/keys?ns=value");
  await until(async () => (await page.rows("Keys")).length === 2, "the keys");
  for (const text of ['"seen"', '"too"']) {
    const box = await page.tab.getByText(text, { exact: true }).boundingBox();
    assert.ok(box.x + box.width < 1440, `${text} stands at ${box.x}`);
  }
  broker.start("prismbus", ["--broker", broker.ready.requests[0], "watch", "value"]);
  await page.go("#/subscribers?ns=value");
  await page.tab.getByRole("region", { name: "Subscribers" }).getByRole("button").last().waitFor();
  await page.tab.locator("tbody button").first().click();
  await until(async () => (await page.tab.locator(".chosen tbody tr").allInnerTexts()).some((text) => /^value\s+2$/.test(text)), "how far it has come");
  await page.close();
});
