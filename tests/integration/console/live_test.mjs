// Changes as they happen: the feed with its filter and its pause, the tree that lights up, the editor that hears of others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Broker, until } from "./broker.mjs";
import { openBrowser, Page } from "./browser.mjs";

const kFeed = "Changes, newest first";

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
  await page.tab.locator('.live[data-state="live"]').waitFor();
  return page;
}
// Writes to `ns` until the page has shown one: from then on it follows.
async function following(page, ns) {
  let n = 0;
  await until(async () => {
    await broker.put(ns, "probe", String(n++));
    return (await page.rows(kFeed)).length > 0;
  }, "the first change in the feed");
  await page.click("Clear");
  await until(async () => (await page.rows(kFeed)).length === 0, "an empty feed");
}

test("the feed shows each change with its value as it is, newest first", async () => {
  const page = await opened("#/feed");
  await following(page, "live.probe");
  const before = Date.now();
  await broker.put("live.a", "k", '{"n":18446744073709551615,"one":1.0}', "why");
  await until(async () => (await page.rows(kFeed)).length === 1, "the change");
  const seconds = (Date.now() - before) / 1000;
  assert.ok(seconds < 5, `it took ${seconds} s`);
  await broker.ask("DELETE", "/api/v1/config/live.a?key=k");
  await until(async () => (await page.rows(kFeed)).length === 2, "the delete");
  const rows = await page.rows(kFeed);
  assert.deepEqual(rows.map((cells) => [cells[1], cells[2], cells[3], cells[5], cells[6]]),
    [["live.a", "k", "deleted", "anonymous", ""], ["live.a", "k", '{"n":18446744073709551615,"one":1.0}', "anonymous", "why"]]);
  await page.shot("feed-live");
  await page.accessible("the feed with changes");
  await page.close();
});

test("a filter is the broker's: other namespaces and keys never come", async () => {
  const page = await opened("#/feed");
  const sent = [];
  page.tab.on("websocket", (socket) => socket.on("framesent", (frame) => sent.push(JSON.parse(frame.payload))));
  await page.tab.reload();
  await page.tab.locator('.live[data-state="live"]').waitFor();
  await page.label("Namespace").fill("wanted");
  await page.label("Key").fill("tick_");
  await page.click("Filter");
  await until(() => sent.some((m) => m.type === "subscribe" && m.ns === "wanted" && m.subtree === true && m.glob === "**tick_**"), "the filter on its way");
  let n = 0;
  await until(async () => {
    await broker.put("other", "tick_size", "1");
    await broker.put("wanted", "lot", "1");
    await broker.put("wanted.below", "tick_size", String(n++));
    return (await page.rows(kFeed)).length > 0;
  }, "what the filter lets through");
  assert.deepEqual([...new Set((await page.rows(kFeed)).map((cells) => `${cells[1]} ${cells[2]}`))], ["wanted.below tick_size"]);
  await page.close();
});

test("a feed that is paused stands still, and catches up when it goes on", async () => {
  const page = await opened("#/feed");
  await following(page, "paused");
  await page.click("Pause");
  await page.role("button", "Resume").waitFor();
  for (let i = 0; i < 5; i++) await broker.put("paused", "k", String(i));
  // Somebody else, who is not paused, has all of them by now.
  const other = await opened("#/feed");
  await following(other, "paused.other");
  assert.deepEqual((await page.rows(kFeed)).filter((cells) => cells[2] === "k"), []);
  await page.click("Resume");
  await until(async () => (await page.rows(kFeed)).filter((cells) => cells[2] === "k").length === 5, "what was missed");
  assert.deepEqual((await page.rows(kFeed)).filter((cells) => cells[2] === "k").map((cells) => cells[3]), ["4", "3", "2", "1", "0"]);
  await other.close();
  await page.close();
});

test("the list is bounded however much happens", async () => {
  const page = await opened("#/feed");
  await following(page, "flood");
  for (let i = 0; i < 8; i++) {
    const puts = Array.from({ length: 80 }, (unused, j) => `{"op":"put","ns":"flood","key":"k${j}","value":${i}}`);
    await broker.ask("POST", "/api/v1/txn", `{"do":[${puts.join(",")}]}`);
  }
  await until(async () => (await page.rows(kFeed)).length === 500, "500 rows");
  await page.see(/^640 changes, the last 500 shown/);
  await page.close();
});

test("the tree of namespaces lights up, counts on, and shows what is new; beside it stands what changed last", async () => {
  await broker.put("pulse.lit", "k", "1");
  const page = await opened("#/");
  const latest = async () => (await page.tab.locator(".latest li").allInnerTexts()).map((text) => text.split("\n").filter((each) => each.trim() !== ""));
  await until(async () => (await latest())[0]?.[0] === "pulse.lit", "the namespace that changed last before");
  const row = page.tab.locator("tr", { has: page.role("link", "lit") });
  await row.waitFor();
  let n = 0;
  await until(async () => {
    await broker.put("pulse.lit", `k${n++}`, "1");
    return (await row.getAttribute("class"))?.includes("pulse");
  }, "the light");
  await until(async () => Number((await row.locator("td").first().innerText())) === n + 1, "the count of keys");
  await broker.put("pulse.new", "k", "1");
  await page.role("link", "new").waitFor();
  await broker.put("pulse.lit", "a/b", '"secret"', "why");
  await broker.ask("DELETE", "/api/v1/config/pulse.new?key=k");
  await until(async () => (await latest())[0].at(-1) === "pulse.new, deleted by anonymous", "the delete at the top");
  assert.deepEqual((await latest()).slice(0, 2).map((lines) => [lines[0], lines.at(-1)]), [["k", "pulse.new, deleted by anonymous"], ["a/b", "pulse.lit by anonymous: why"]]);
  assert.ok(!(await page.tab.content()).includes('"secret"'));
  await page.close();
});

test("who edits hears at once that somebody else has changed the key", async () => {
  await broker.put("heard", "k", '"first"');
  const page = await opened("#/value?ns=heard&key=k");
  await until(async () => (await page.editor.inputValue()) === '"first"', "the value");
  await page.editor.fill('"mine"');
  let n = 0;
  await until(async () => {
    await broker.put("heard", "k", `"theirs ${n++}"`);
    return (await page.role("button", "Show it").count()) === 1;
  }, "the notice");
  await page.click("Show it");
  await page.role("heading", "Changed by somebody else meanwhile").waitFor();
  await page.click("Take theirs");
  await until(async () => (await page.editor.inputValue()) === (await broker.value("heard", "k")), "their value");
  await page.close();
});
