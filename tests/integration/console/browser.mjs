// A real Chromium, and pages that are watched: whatever the console logs as an error, throws, asks of another host, or is kept from
// doing by its policy fails the test. Screenshots stay in PRISMBUS_SHOTS.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const packages = createRequire(`${process.env.PRISMBUS_NODE_MODULES}/`);
const { chromium } = packages("playwright-core");
const kAxe = packages.resolve("axe-core/axe.min.js");
const kShots = process.env.PRISMBUS_SHOTS;
const kMilliseconds = 15000;

export const kWide = { width: 1440, height: 900 };
export const kNarrow = { width: 360, height: 780 };

export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.PRISMBUS_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"], // a test may run as root
  });
}

export class Page {
  // `token`: as if it had been typed before. `refusals`: statuses that the test provokes, which Chromium logs.
  static async open(browser, address, { size = kWide, theme = "light", token, refusals = [], permissions = [] } = {}) {
    const context = await browser.newContext({ viewport: size, colorScheme: theme, timezoneId: "UTC", locale: "en-GB", permissions, ignoreHTTPSErrors: address.startsWith("https:") });
    context.setDefaultTimeout(kMilliseconds);
    await context.addInitScript({ path: kAxe });
    if (token !== undefined) {
      await context.addInitScript((text) => {
        if (sessionStorage.getItem("seen") === null) sessionStorage.setItem("prismbus.token", text);
        sessionStorage.setItem("seen", "1");
      }, token);
    }
    const page = new Page();
    Object.assign(page, { context, address, wrong: [], refusals: new Set(refusals) });
    page.tab = await context.newPage();
    page.tab.on("pageerror", (error) => page.wrong.push(`thrown: ${error.stack}`));
    page.tab.on("console", (message) => page.heard(message));
    context.on("request", (request) => {
      if (new URL(request.url()).host !== new URL(address).host) page.wrong.push(`asked of another host: ${request.url()}`);
      if (token !== undefined && request.url().includes(token)) page.wrong.push("the token stands in an address");
    });
    return page;
  }

  heard(message) {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const status = /status of (\d+)/.exec(message.text());
    if (status !== null && this.refusals.has(Number(status[1]))) return;
    this.wrong.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  }

  async go(hash) {
    if (this.tab.url() === "about:blank") await this.tab.goto(`${this.address}/${hash}`);
    else await this.tab.evaluate((to) => (location.hash = to), hash);
  }
  // Of the place that is named by role and name.
  role(role, name, options = {}) {
    return this.tab.getByRole(role, { name, exact: typeof name === "string", ...options });
  }
  click(name) {
    return this.role("button", name).click();
  }
  label(name) {
    return this.tab.getByLabel(name, { exact: true });
  }
  see(text) {
    return this.tab.getByText(text).filter({ visible: true }).first().waitFor();
  }
  get editor() {
    return this.tab.locator("#editor");
  }
  dialog() {
    return this.tab.locator("dialog");
  }
  // Each row of the table as the texts of its cells.
  rows(caption) {
    return this.tab.getByRole("region", { name: caption, exact: true }).locator("tbody tr").evaluateAll((lines) => lines.map((line) => [...line.cells].map((cell) => cell.innerText.trim())));
  }

  async shot(name) {
    if (kShots === undefined) return;
    fs.mkdirSync(kShots, { recursive: true });
    await this.tab.screenshot({ path: path.join(kShots, `${name}.png`) });
  }

  // No finding of axe-core that is serious or critical.
  async accessible(what) {
    const found = await this.tab.evaluate(async () => {
      const result = await axe.run(document, { resultTypes: ["violations"] });
      return result.violations.filter((v) => v.impact === "serious" || v.impact === "critical")
        .map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.slice(0, 5).map((n) => `${n.html.slice(0, 200)} ${n.failureSummary}`) }));
    });
    assert.deepEqual(found, [], `axe-core on ${what}`);
  }
  // Nothing sticks out sideways.
  async fits(what) {
    const [content, window] = await this.tab.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= window, `${what} is ${content} wide in a window of ${window}`);
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.wrong, []);
  }
}
