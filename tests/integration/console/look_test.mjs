// Every page in both themes and at both sizes: axe-core finds nothing serious, nothing sticks out, a screenshot is kept. And the
// console used by keyboard alone.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";

import { Broker, until } from "./broker.mjs";
import { kNarrow, kWide, openBrowser, Page } from "./browser.mjs";

const kFees = "example.fees"; // what the example that refuses values follows

let broker;
let browser;
before(async () => {
  broker = await new Broker().serve();
  browser = await openBrowser();
  for (const venue of ["binance", "bybit", "okx"]) {
    for (const symbol of ["BTCUSDT", "ETHUSDT", "SOLUSDT", "1000PEPEUSDT"]) {
      await broker.put(`market.${venue}.spot`, `${symbol}/tick_size`, "0.01");
      await broker.put(`market.${venue}.spot`, `${symbol}/limits`, `{"min":1.0,"max":18446744073709551615,"steps":[1,2.5,1000.0],"venue":{"name":"${venue}","fees":null}}`);
    }
  }
  await broker.put("_system.policy", "risk.**", '{"lane":"express"}');
  const rev = (await broker.put("risk.limits", "desk-7", '{"gross":1000000,"net":250000}', "as agreed with risk")).rev;
  broker.rev = rev;
  await broker.put("risk.limits", "desk-7", '{"gross":1500000,"net":250000,"halt":false}', "raised for the listing");
  await broker.put(kFees, "maker_bps", "1.0");
  broker.start("prismbus_example_guard", [broker.ready.requests[0]]);
  await until(async () => (await broker.ask("GET", `/api/v1/subscribers?ns=${kFees}`)).text.includes("guard-1"), "the follower");
  await broker.put(kFees, "maker_bps", '"cheap"', "a mistake");
  await until(async () => (await broker.ask("GET", `/api/v1/subscribers?ns=${kFees}`)).text.includes("a fee is a number"), "its refusal");
});
after(async () => {
  await browser?.close();
  broker?.stop();
});

// name, address, what is there when the page is whole.
const pages = () => [
  ["namespaces", "#/", async (page) => (await page.rows("Namespaces")).some((cells) => cells[0] === "policy")],
  ["keys", "#/keys?ns=market.binance.spot", async (page) => (await page.rows("Keys")).length === 8],
  ["value", "#/value?ns=market.binance.spot&key=BTCUSDT%2Flimits", async (page) => (await page.editor.inputValue()).includes("18446744073709551615")],
  ["history", "#/history?ns=risk.limits&key=desk-7", async (page) => (await page.rows("Versions")).length === 2],
  ["time", `#/time?ns=risk.limits&at=${broker.rev}`, async (page) => (await page.rows("Changed since then")).length === 1],
  ["feed", "#/feed", async (page) => {
    await broker.put("market.okx.spot", "BTCUSDT/tick_size", "0.01", "seen in the feed");
    return (await page.rows("Changes, newest first")).length > 2;
  }],
  ["subscribers", "#/subscribers", async (page) => (await page.rows("Subscribers")).length >= 1],
  ["broker", "#/broker", async (page) => (await page.tab.locator(".figure polyline").count()) > 10 && (await page.tab.getByText(/^≤ \d/).count()) === 2],
  ["audit", "#/audit", async (page) => (await page.rows("Audit records, newest first")).length > 20],
];

for (const theme of ["light", "dark"]) {
  for (const [name, size] of [["wide", kWide], ["narrow", kNarrow]]) {
    test(`every page is readable in ${theme} at ${size.width} px`, async () => {
      const page = await Page.open(browser, broker.address, { theme, size });
      for (const [title, hash, whole] of pages()) {
        await page.go(hash);
        await until(() => whole(page), `the page ${title}`);
        if (title === "subscribers") await page.tab.getByRole("button", { name: /guard-1/ }).first().click();
        await page.shot(`${title}-${theme}-${name}`);
        await page.accessible(`${title}, ${theme}, ${name}`);
        await page.fits(`${title}, ${name}`);
      }
      await page.close();
    });
  }
}

test("the theme of the system is taken until another one is chosen, which stays", async () => {
  const page = await Page.open(browser, broker.address, { theme: "dark" });
  const ground = () => page.tab.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.go("");
  const dark = await ground();
  await page.click("Theme: auto");
  const light = await ground();
  assert.notEqual(dark, light);
  await page.tab.reload();
  await page.role("button", "Theme: light").click();
  assert.equal(await ground(), dark);
  await page.role("button", "Theme: dark").click();
  await page.role("button", "Theme: auto").waitFor();
  await page.close();
});

test("who follows, what it refused and why", async () => {
  const page = await Page.open(browser, broker.address);
  await page.go("#/subscribers");
  // On a busy machine it may have joined twice, and the connection it had before is listed for a while too.
  const button = page.tab.getByRole("button", { name: /guard-1/ }).first();
  await button.click();
  assert.equal(await button.getAttribute("aria-expanded"), "true");
  await until(async () => (await page.rows("Refused by guard-1")).length === 1, "the refusal");
  assert.deepEqual((await page.rows("Refused by guard-1"))[0], [kFees, "maker_bps", "2", "a fee is a number"]);
  assert.deepEqual(await page.rows("Applied by guard-1"), [[kFees, "2"]]);
  // It is asked again and again: the line of latencies grows, and the focus stays where it is.
  await until(async () => (await page.tab.locator(".spark polyline").count()) >= 1, "the second figure");
  assert.ok(await button.evaluate((each) => each === document.activeElement));
  await page.close();
});

test("a key is found, changed and saved by keyboard alone", async () => {
  await broker.put("keyboard", "k", "1");
  const page = await Page.open(browser, broker.address);
  const { keyboard } = page.tab;
  const focused = () => page.tab.evaluate(() => {
    const it = document.activeElement;
    return it.getAttribute("aria-label") ?? (it.labels?.[0] ?? it).textContent.trim();
  });
  const tabTo = async (name) => {
    for (let i = 0; i < 60; i++) {
      await keyboard.press("Tab");
      if ((await focused()) === name) {
        const outline = await page.tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(outline, "none", `the focus on ${name} is seen`);
        return;
      }
    }
    assert.fail(`no way by keyboard to ${name}`);
  };
  await page.go("#/");
  await page.tab.getByRole("region", { name: "Namespaces" }).getByRole("link", { name: "keyboard", exact: true }).waitFor();
  await keyboard.press("Tab");
  assert.equal(await focused(), "To the content");
  await keyboard.press("Enter");
  await tabTo("keyboard");
  await keyboard.press("Enter");
  await page.role("heading", "keyboard").waitFor();
  await page.role("link", "k").waitFor();
  assert.equal(await focused(), "keyboard"); // the heading of the new page
  await tabTo("k");
  await keyboard.press("Enter");
  await until(async () => (await page.editor.inputValue()) === "1", "the value");
  await tabTo("Value, as JSON");
  await keyboard.press("Control+A");
  await keyboard.type("22");
  await keyboard.press("Tab"); // out of the editor again
  assert.equal(await focused(), "Review and save");
  await keyboard.press("Enter");
  await page.dialog().waitFor();
  assert.equal(await focused(), "Note");
  await keyboard.press("Escape");
  await page.dialog().waitFor({ state: "detached" });
  assert.equal(await focused(), "Review and save");
  await keyboard.press("Enter");
  await page.dialog().waitFor();
  await keyboard.type("by hand");
  await keyboard.press("Enter");
  await page.see(/^Saved as revision/);
  assert.equal(await broker.value("keyboard", "k"), "22");
  await page.close();
});

test("what these tests watch for is noticed when it happens", async () => {
  const page = await Page.open(browser, broker.address);
  await page.go("#/broker");
  await page.role("heading", "Throughput").waitFor();
  await page.tab.evaluate(() => document.querySelector("main").append(document.createElement("input")));
  await assert.rejects(page.accessible("a field without a label"), /label/);
  await page.tab.evaluate(() => {
    document.querySelector("main").append(Object.assign(document.createElement("div"), { className: "too-wide", textContent: "x".repeat(500) }));
  });
  await assert.rejects(page.fits("a line that is too long"), /wide in a window/);
  for (const forbidden of [
    () => fetch("http://127.0.0.1:1/").catch(() => {}),
    () => {
      try {
        document.querySelector("main").innerHTML = "<b>x</b>";
      } catch {
        // it is the message in the log that counts
      }
    },
    () => document.body.setAttribute("style", "color: red"),
    () => document.querySelector("main").append(Object.assign(document.createElement("img"), { src: "http://127.0.0.1:1/x.png" })),
    () => console.error("something"),
  ]) {
    page.wrong.length = 0;
    await page.tab.evaluate(forbidden);
    await until(() => page.wrong.length > 0, `a finding about ${forbidden}`);
  }
  await assert.rejects(page.close());
});

test("screenshots of every page are kept", { skip: process.env.PRISMBUS_SHOTS === undefined }, () => {
  const kept = fs.readdirSync(process.env.PRISMBUS_SHOTS);
  for (const [title] of pages()) for (const theme of ["light", "dark"]) for (const size of ["wide", "narrow"]) assert.ok(kept.includes(`${title}-${theme}-${size}.png`), title);
});
