// One browser for a test file, and what every page must satisfy: no serious axe finding, nothing in the
// console, no request refused, no sideways scroll, nothing asked of any other machine.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

export const WIDTHS = [320, 390, 768, 1024, 1280];
const SHOTS = path.join(import.meta.dirname, "shots");
const PATIENCE_MS = 15_000;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/// A window with a page whose complaints are kept. `alive` is whether JavaScript runs in it.
export async function open(browser, demo, { alive, scheme = "light", width = 1280 }) {
  const context = await browser.newContext({
    baseURL: demo.address,
    javaScriptEnabled: alive,
    colorScheme: scheme,
    viewport: { width, height: 900 },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    const own = url.startsWith(`${demo.address}/`) || /^(data|blob|about):/.test(url);
    if (!own) complaints.push(`asked another machine: ${url}`);
  });
  return { context, page, alive, complaints };
}

/// Opens an address of the demo and waits until it is what a person would use.
export async function visit(window, address) {
  const response = await window.page.goto(address);
  assert.equal(response.status(), 200, `${address} answers`);
  await settled(window);
}

/// With JavaScript on: the islands have come to life. Pages without islands say so by having no script.
export async function settled({ page, alive }) {
  if (!alive) return;
  if ((await page.locator("script[type=module]").count()) > 0) await page.locator("html[data-hydrated]").waitFor();
}

export async function logIn(window, demo, login = demo.logins[0], password = login.password) {
  const { page } = window;
  await visit(window, "/login");
  await page.locator("input[name=email], input[name=name]").fill(login.email ?? login.name);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForLoadState("domcontentloaded");
}

/// Logged in, on Today.
export async function signedIn(browser, demo, how) {
  const window = await open(browser, demo, how);
  await logIn(window, demo);
  await window.page.locator("header.bar").waitFor();
  await settled(window);
  assert.equal(new URL(window.page.url()).pathname, "/");
  return window;
}

/// Nothing was complained about since the last look.
export function quiet(window, where) {
  const said = window.complaints.splice(0);
  assert.deepEqual(said, [], `${where} says nothing in the console`);
}

/// No serious or critical finding; each is named with the element it is about.
export async function accessible(window, where) {
  // With JavaScript off axe cannot run either: it looks at a copy of the page as it came to be without.
  const looked = window.alive ? window.page : await copyOf(window);
  // Through the debugger, so that the page's policy is not in the way.
  await looked.evaluate(axe.source);
  const { violations } = await looked.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  if (!window.alive) await looked.context().close();
  const grave = violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => `${found.id}: ${found.help} (${found.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")})`);
  assert.deepEqual(grave, [], `${where} can be used by everybody`);
}

/// The same document and styles in a window of its own, where scripts of the page are not fetched.
async function copyOf({ context, page }) {
  const body = await page.content();
  const copy = await (await context.browser().newContext({ viewport: page.viewportSize() })).newPage();
  await copy.route("**/*", (route) => {
    const kind = route.request().resourceType();
    if (kind === "document") return route.fulfill({ body, contentType: "text/html; charset=utf-8" });
    return kind === "script" ? route.abort() : route.continue();
  });
  await copy.goto(page.url());
  return copy;
}

/// At no width does the page itself scroll sideways.
export async function fits({ page }, where) {
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${where} fits into ${width} px, but is ${wide} px wide`);
  }
  await page.setViewportSize(before);
}

export async function shoot(page, name) {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
}

/// The number behind a label of the sum on a SKU page.
export async function term(page, label) {
  const line = page.locator("dl.sum__lines > div", { has: page.locator("dt", { hasText: label }) });
  const text = await line.locator("dd").innerText();
  assert.match(text, /^-?[\d\u00a0\u202f, ]+$/, `${label} is a number, not ${JSON.stringify(text)}`);
  return Number(text.replace(/[^\d-]/g, ""));
}

/// Addresses worth looking at, found by following links as a person would.
export async function addresses(window) {
  const { page } = window;
  await visit(window, "/stock?linked=yes&sort=till&dir=desc");
  const sku = await page.locator("#stock tbody a[href^='/stock/']").first().getAttribute("href");
  const name = (await page.locator("#stock tbody tr").first().locator("code").first().innerText()).trim();
  await visit(window, "/connections");
  const stop = await page.locator("form[action$='/stop-writing']").first().getAttribute("action");
  const preview = stop.replace(/stop-writing$/, "go-live");
  return { sku, name, preview };
}
