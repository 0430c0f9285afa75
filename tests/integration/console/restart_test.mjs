// What stays true on a page while the broker is away, comes back, or a token ends.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Broker, until } from "./broker.mjs";
import { openBrowser, Page } from "./browser.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

const isLive = (page) => page.tab.locator('.live[data-state="live"]').waitFor();
// What a browser logs of an address that nobody answers.
const kAway = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection/;
async function closed(page) {
  page.wrong = page.wrong.filter((each) => !kAway.test(each));
  await page.close();
}

test("what was written while a page had no connection is told of when it has one again", async () => {
  const broker = await new Broker().serve();
  try {
    await broker.put("away", "k", '"before"');
    await broker.put("away", "other", "1");
    const open = async (hash) => {
      const page = await Page.open(browser, broker.address, { refusals: [404] });
      await page.go(hash);
      await isLive(page);
      return page;
    };
    const keys = await open("#/keys?ns=away");
    const list = await open("#/keys?ns=away");
    const value = await open("#/value?ns=away&key=k");
    const still = await open("#/value?ns=away&key=other");
    const history = await open("#/history?ns=away&key=k");
    const feed = await open("#/feed");
    const figures = await Page.open(browser, broker.address);
    await figures.go("#/broker");
    await figures.role("heading", "Throughput").waitFor();
    await broker.kill();
    await keys.go("#/keys?ns=away&find=k"); // asks, of nobody
    await keys.see(/^unreachable/);
    await feed.see(/^The stream of changes cannot be reached/);
    await figures.see(/^unreachable/);
    // The pages hear of nothing before this is written: their address is not served yet.
    const writer = await new Broker({ folder: broker.folder }).serve();
    await writer.put("away", "k", '"after"');
    await writer.kill();
    await broker.serve();
    for (const page of [list, value, still, history, feed]) await isLive(page);
    await list.see(/^Changed to revision \d+ meanwhile/);
    await list.click("Show it");
    await until(async () => (await list.rows("Keys"))[0]?.[1] === '"after"', "the value in the list");
    await keys.click("Try again");
    await until(async () => (await keys.rows("Keys"))[0]?.[1] === '"after"', "the value among the keys");
    await value.see("It has changed meanwhile.");
    await value.click("Show it");
    await until(async () => (await value.editor.inputValue()) === '"after"', "the value");
    await history.see("There are newer versions.");
    await history.click("Show them");
    await until(async () => (await history.rows("Versions")).length === 2, "both versions");
    await feed.see(/the connection was made anew here/);
    await until(async () => (await figures.tab.getByRole("alert").count()) === 0, "figures again");
    assert.equal(await still.tab.locator(".notice").filter({ visible: true }).count(), 0);
    for (const page of [keys, list, value, still, history, feed, figures]) await closed(page);
  } finally {
    broker.stop();
  }
});

test("when a token ends what was typed is not lost, and it was said before", async () => {
  const broker = await new Broker({ secured: true }).serve();
  try {
    await broker.put("held", "k", '"stored"');
    const rights = { read: ["**"], write: ["**"] };
    const page = await Page.open(browser, broker.address, { token: broker.token("typist", { ...rights, ttl: "5m" }), refusals: [401] });
    const revoked = Math.floor(Date.now() / 1000) + 1; // the second behind that of its issue
    await page.go("#/value?ns=held&key=k");
    await until(async () => (await page.editor.inputValue()) === '"stored"', "the value");
    await page.see(/^token ends in [45] min$/);
    await page.editor.fill('"typed"');
    await broker.put("_system.revoked", "sub/typist", `{"before":${revoked * 1e6}}`);
    await page.role("heading", "Log in").waitFor();
    assert.ok(!(await page.tab.content()).includes("stored"));
    // Somebody else at the same screen does not get it.
    await page.label("Token").fill(broker.token("other", rights));
    await page.click("Log in");
    await until(async () => (await page.editor.inputValue()) === '"stored"', "what is stored, for somebody else");
    await page.click("Log out");
    await until(() => Date.now() >= (revoked + 1) * 1000, "the second from which on a token of his counts again");
    await page.label("Token").fill(broker.token("typist", rights));
    await page.click("Log in");
    await page.see("What you had typed here without saving is back.");
    assert.equal(await page.editor.inputValue(), '"typed"');
    await page.close();
  } finally {
    broker.stop();
  }
});
