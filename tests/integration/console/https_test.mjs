// The console as it is used from another machine: over TLS, with a token; its WebSocket is one of TLS too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Broker, until } from "./broker.mjs";
import { openBrowser, Page } from "./browser.mjs";

const kFeed = "Changes, newest first";

let broker;
let browser;
before(async () => {
  broker = await new Broker({ secured: true, tls: true }).serve();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  broker?.stop();
});

test("log in, write a value, and see it live on another page", async () => {
  assert.match(broker.address, /^https:/);
  const token = broker.token("writer", { read: ["market.**"], write: ["market.**"] });
  const feed = await Page.open(browser, broker.address, { token, refusals: [404] });
  const sockets = [];
  feed.tab.on("websocket", (socket) => sockets.push(new URL(socket.url()).protocol));
  await feed.go("#/feed");
  await feed.tab.locator('.live[data-state="live"]').waitFor();
  assert.ok(sockets.length > 0 && sockets.every((protocol) => protocol === "wss:"), sockets.join());

  const editor = await Page.open(browser, broker.address, { refusals: [401, 404] });
  await editor.go("#/value?ns=market.binance&key=tick_size");
  await editor.role("heading", "Log in").waitFor();
  await editor.label("Token").fill(token);
  await editor.click("Log in");
  assert.equal(await editor.tab.evaluate(() => isSecureContext), true);
  const told = async () => (await editor.tab.getByText(/^Saved as revision/).allInnerTexts()).join();
  let before = "";
  for (const value of ["0.01", "9223372036854775809"]) {
    await editor.editor.fill(value);
    await editor.click("Review and save");
    await editor.dialog().getByRole("button", { name: "Save" }).click();
    await until(async () => !["", before].includes(await told()), "the word that it is saved");
    before = await told();
    await until(async () => (await feed.rows(kFeed)).some((cells) => cells[2] === "tick_size" && cells[3] === value), `${value} in the feed`);
  }
  await editor.shot("https");
  await editor.close();
  await feed.close();
});
