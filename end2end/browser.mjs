// One browser for a test file, and what every page must satisfy: no axe finding, nothing in the console, no
// request refused, no sideways scroll, nothing asked of any other machine; by day and by night, on a desk and on a
// phone.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

const WIDTHS = [320, 390, 768, 1024, 1280];
const LOOKED_AT = [1280, 390];

/// By night only the colours are others, so only what judges colours is asked again.
const ASKED = { light: undefined, dark: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };
const SHOTS = path.join(import.meta.dirname, "shots");
const PATIENCE_MS = 15_000;

/// Of what is asked of the browser itself, which has no limit of its own: a browser that has died answers nothing.
const BROWSER_MS = 60_000;

/// How long what moves may move; a page that is not drawn never comes to rest.
const REST_MS = 2_000;

/// What was asked, or the error that says what was never answered.
export function within(what, promise, limit = BROWSER_MS) {
  let late;
  const waited = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s: ${what}`)), limit);
  });
  return Promise.race([promise, waited]).finally(() => clearTimeout(late));
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    // Small machines have next to no /dev/shm, and a browser that lacks it dies in the middle of a page.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
  });
}

/// A window with a page whose complaints are kept. `alive` is whether JavaScript runs in it.
export async function open(browser, demo, { alive }) {
  const how = { baseURL: demo.address, javaScriptEnabled: alive, colorScheme: "light", viewport: { width: 1280, height: 900 } };
  const context = await within("a new window", browser.newContext(how));
  const page = await within("a new page", context.newPage());
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
export async function visit(window, address, status = 200) {
  const response = await window.page.goto(address);
  assert.equal(response.status(), status, `${address} answers`);
  refusedOnPurpose(window, status);
  await settled(window);
}

/// The browser says in its console that a page was refused; where that was meant, it is no complaint.
export function refusedOnPurpose({ complaints }, status) {
  if (status < 400) return;
  const said = complaints.findIndex((words) => words.includes(`responded with a status of ${status}`));
  if (said >= 0) complaints.splice(said, 1);
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
export async function signedIn(browser, demo, how, login = demo.logins[0]) {
  const window = await open(browser, demo, how);
  await logIn(window, demo, login);
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

/// The page that is open, looked at in both schemes and at both sizes; pictures are taken under `name`, if any.
export async function looksRight(window, where, name) {
  // With JavaScript off axe cannot run either: it looks at a copy of the page as it came to be without.
  const looked = window.alive ? window.page : await copyOf(window);
  // Through the debugger, so that the page's policy is not in the way.
  await within(`axe into ${where}`, looked.evaluate(axe.source));
  for (const [scheme, asked] of Object.entries(ASKED)) {
    await within(`${where}, ${scheme}`, looked.emulateMedia({ colorScheme: scheme }));
    for (const width of LOOKED_AT) {
      await looked.setViewportSize({ width, height: 900 });
      await accessible(looked, `${where}, ${scheme}, ${width} px`, asked);
      if (name) await shoot(looked, `${name}-${scheme}-${width}`);
    }
  }
  await within(`${where}, light again`, looked.emulateMedia({ colorScheme: "light" }));
  await fits(window, where);
  quiet(window, where);
}

/// What moves has come to rest: a colour on its way to another is neither of them.
async function still(page) {
  const rest = page.evaluate(async (limit) => {
    const resting = async () => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
      await Promise.allSettled(moving.map((one) => one.finished));
    };
    await Promise.race([resting(), new Promise((resolve) => setTimeout(resolve, limit))]);
  }, REST_MS);
  await within("the page comes to rest", rest);
}

/// No finding at all; each is named with the element it is about.
async function accessible(page, where, runOnly) {
  await still(page);
  const how = { resultTypes: ["violations"], ...(runOnly && { runOnly }) };
  const asked = page.evaluate(async (how) => (await globalThis.axe.run(document, how)).violations, how);
  const violations = await within(`what axe says of ${where}`, asked);
  const found = violations.map(
    ({ id, impact, help, nodes }) =>
      `${id} (${impact}): ${help} (${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")})`,
  );
  assert.deepEqual(found, [], `${where} can be used by everybody`);
}

/// The same document and styles in a window of its own, where scripts of the page are not fetched.
async function copyOf(window) {
  const body = await within("the text of a page", window.page.content());
  if (!window.glass) {
    const context = await within("a new window", window.context.browser().newContext());
    window.glass = await within("a new page", context.newPage());
    await window.glass.route("**/*", (route) => {
      const kind = route.request().resourceType();
      if (kind === "document") return route.fulfill({ body: window.body, contentType: "text/html; charset=utf-8" });
      return kind === "script" ? route.abort() : route.continue();
    });
  }
  window.body = body;
  await window.glass.goto(window.page.url());
  return window.glass;
}

/// At no width does the page itself scroll sideways.
async function fits({ page }, where) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await within(`the width of ${where}`, page.evaluate(() => document.documentElement.scrollWidth));
    assert.ok(wide <= width, `${where} fits into ${width} px, but is ${wide} px wide`);
  }
}

export async function close(window) {
  await within("closing a window", Promise.all([window.glass?.context().close(), window.context.close()]));
}

async function shoot(page, name) {
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

/// One raw exchange or record of each kind, found on the pages of what is in the list that is open.
async function proofs(page) {
  const skus = await page.locator("#stock tbody a[href^='/stock/']").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  const found = {};
  for (const sku of new Set(skus)) {
    const text = await (await page.context().request.get(sku)).text();
    for (const [, href, kind] of text.matchAll(/href="(\/evidence\/(call|notice|record)\/[^"]+)"/g)) {
      found[kind] ??= href.replaceAll("&amp;", "&");
    }
    if (Object.keys(found).length === 3) break;
  }
  return found;
}

/// Addresses worth looking at, found by following links as a person would.
export async function addresses(window) {
  const { page } = window;
  await visit(window, "/stock?linked=yes&sort=till&dir=desc");
  const sku = await page.locator("#stock tbody a[href^='/stock/']").first().getAttribute("href");
  const name = (await page.locator("#stock tbody tr").first().locator("code").first().innerText()).trim();
  const evidence = await proofs(page);
  await visit(window, "/connections");
  const stop = await page.locator("form[action$='/stop-writing']").first().getAttribute("action");
  const preview = stop.replace(/stop-writing$/, "go-live");
  return { sku, name, preview, evidence };
}
