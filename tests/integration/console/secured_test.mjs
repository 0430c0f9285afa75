// A broker with security on: who has no token is asked for one, who may not write has nothing to write with, what is secret is
// hidden until it is asked for.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Broker, until } from "./broker.mjs";
import { openBrowser, Page } from "./browser.mjs";

let broker;
let browser;
before(async () => {
  broker = await new Broker({ secured: true }).serve();
  browser = await openBrowser();
  await broker.put("market.binance", "tick", "0.01");
  await broker.put("market.okx", "tick", "0.02");
  await broker.put("_system.policy", "vault", '{"secret":true}');
  await broker.put("vault", "password", '"hunter2"');
  await broker.put("vault", "password", '"hunter3"');
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

test("without a token there is a login, with one the page that was wanted, and nothing of it in an address", async () => {
  const page = await opened("#/keys?ns=market.binance", { refusals: [401] });
  await page.role("heading", "Log in").waitFor();
  await page.accessible("the login");
  await page.shot("login");
  await page.label("Token").fill("nonsense");
  await page.click("Log in");
  await page.see(/^This is not a token/);
  const stranger = broker.token("mallory", { read: ["**"] }).split(".");
  await page.label("Token").fill([stranger[0], stranger[1], stranger[2].split("").reverse().join("")].join("."));
  await page.click("Log in");
  await page.role("heading", "Log in").waitFor();
  await until(async () => (await page.tab.getByRole("alert").innerText()) !== "", "why it is refused");
  const token = broker.token("reader", { read: ["market.**"] });
  await page.label("Token").fill(token);
  await page.click("Log in");
  await until(async () => (await page.rows("Keys")).length === 1, "the keys");
  await page.see("reader");
  assert.ok(!page.tab.url().includes(token));
  assert.deepEqual(await page.tab.evaluate(() => [Object.values(localStorage), document.cookie]), [[], ""]);
  await page.tab.reload();
  await until(async () => (await page.rows("Keys")).length === 1, "the keys after a reload");
  await page.click("Log out");
  await page.role("heading", "Log in").waitFor();
  assert.equal(await page.tab.evaluate(() => sessionStorage.getItem("prismbus.token")), null);
  await page.tab.reload();
  await page.role("heading", "Log in").waitFor();
  await page.close();
});

test("who may only read cannot write, and is told so before trying", async () => {
  const page = await opened("#/", { token: broker.token("reader", { read: ["market.**"] }), refusals: [403, 404] });
  await until(async () => (await page.rows("Namespaces")).length === 3, "the namespaces that may be read");
  await broker.put("market.binance", "tick", "0.01", "again");
  await page.go("#/history?ns=market.binance&key=tick");
  await until(async () => (await page.rows("Versions")).length === 2, "the history");
  assert.equal(await page.role("button", /^Roll back/).count(), 0);
  await page.go("#/keys?ns=market.binance");
  await page.role("link", "tick").waitFor();
  assert.equal(await page.role("button", "Write it").count(), 0);
  await page.go("#/value?ns=market.binance&key=tick");
  await page.see(/^Read-only: your token does not say/);
  assert.ok(!(await page.editor.isEditable()));
  assert.equal(await page.role("button", "Review and save").count(), 0);
  await page.shot("read-only");
  // A role could allow it, so it can be tried; none does.
  await page.click("Edit all the same");
  await page.editor.fill("7");
  await page.click("Review and save");
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.see("permission_denied");
  await page.see("Read-only: you may not write to this namespace.");
  assert.ok(!(await page.editor.isEditable()));
  assert.equal(await broker.value("market.binance", "tick"), "0.01");
  await page.go("#/history?ns=market.binance&key=tick");
  await until(async () => (await page.rows("Versions")).length === 2, "the history");
  assert.equal(await page.role("button", /^Roll back/).count(), 0);
  await page.go("#/audit");
  await page.see(/^Only administrators/);
  await page.click("Ask all the same");
  await page.see("permission_denied");
  await page.go("#/broker");
  await page.see(/^All other figures are for administrators/);
  await page.go("#/keys?ns=vault");
  await page.see("permission_denied");
  await page.close();
});

test("who may write writes, and it is his name that stands there", async () => {
  const page = await opened("#/value?ns=market.okx&key=tick", { token: broker.token("trader", { read: ["**"], write: ["market.okx"] }) });
  await until(async () => (await page.editor.inputValue()) === "0.02", "the value");
  await page.editor.fill("0.025");
  await page.click("Review and save");
  await page.dialog().getByRole("button", { name: "Save" }).click();
  await page.see(/^Saved as revision/);
  await page.see("trader");
  assert.equal(await broker.value("market.okx", "tick"), "0.025");
  await page.close();
});

test("values that the policy calls secret are hidden on every page until they are asked for", async () => {
  const page = await opened("#/", { token: broker.admin });
  await until(async () => (await page.rows("Namespaces")).some((cells) => cells.join().includes("secret")), "the mark of it");
  const hidden = async (what) => assert.ok(!(await page.tab.content()).includes("hunter") && !(await page.tab.evaluate(() => document.querySelector("textarea")?.value ?? "")).includes("hunter"), what);
  await page.go("#/keys?ns=vault");
  await page.role("link", "password").waitFor();
  await hidden("keys");
  await page.shot("secret");
  await page.click("Reveal values");
  await page.see('"hunter3"');
  await page.click("Hide values");
  await hidden("keys, hidden again");
  await page.go("#/value?ns=vault&key=password");
  await page.see(/^Hidden: the policy/);
  await hidden("value");
  await page.click("Reveal values");
  await until(async () => (await page.editor.inputValue()) === '"hunter3"', "the value");
  await page.editor.fill('"hunter4"');
  await page.click("Hide values");
  await hidden("an edited value");
  await page.click("Reveal values");
  assert.equal(await page.editor.inputValue(), '"hunter4"');
  await page.click("Undo changes");
  await page.go("#/history?ns=vault&key=password");
  await until(async () => (await page.rows("Versions")).length === 2, "the history");
  await hidden("history");
  await page.click("Reveal values");
  await until(async () => (await page.tab.locator(".diff .less .line").allInnerTexts()).join() === '"hunter2"', "the difference");
  await page.go("#/time?ns=vault&at=4");
  await page.role("link", "password").first().waitFor();
  await hidden("time machine");
  await page.close();
});

test("an administrator reads who did what", async () => {
  const page = await opened("#/audit?by=trader", { token: broker.admin });
  await until(async () => (await page.rows("Audit records, newest first")).length >= 1, "the records of the trader");
  const row = (await page.rows("Audit records, newest first")).find((cells) => cells[1] === "write");
  assert.deepEqual([row[2], row[3], row[4]], ["trader", "put", "market.okx"]);
  await page.close();
});

test("changes come live with a token, those of secret namespaces hidden; when it is revoked there is a login", async () => {
  const page = await opened("#/feed", { token: broker.token("watcher", { read: ["**"] }), refusals: [401] });
  const values = async () => (await page.rows("Changes, newest first")).map((cells) => `${cells[1]} ${cells[3]}`);
  let n = 0;
  await until(async () => {
    await broker.put("vault", "password", `"hunter${n++}"`);
    await broker.put("market.okx", "live", "1.0");
    return (await values()).includes("market.okx 1.0");
  }, "a change");
  assert.ok((await values()).some((each) => each.startsWith("vault")));
  assert.ok(!(await page.tab.content()).includes("hunter"));
  await broker.put("_system.revoked", "sub/watcher", `{"before":${(Math.floor(Date.now() / 1000) + 60) * 1e6}}`);
  await page.role("heading", "Log in").waitFor();
  await page.see("The token is no longer valid.");
  assert.equal(await page.tab.evaluate(() => sessionStorage.getItem("prismbus.token")), null);
  await page.close();
});
