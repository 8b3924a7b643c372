// The journeys with JavaScript on: the same pages, and what is alive on them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, addresses, fits, launch, logIn, open, quiet, settled, shoot, signedIn, term, visit } from "./browser.mjs";
import { startDemo } from "./demo.mjs";
import { connections, goLivePreview, search, skuPage, stock, today } from "./pages.mjs";

/// From the sale at the counter to the lower number before the eyes of somebody who pressed nothing.
const SALE_SHOWS_WITHIN_MS = 2_000;

let demo;
let browser;
let window;
let found;

before(async () => {
  demo = await startDemo();
  browser = await launch();
  window = await signedIn(browser, demo, { alive: true });
  found = await addresses(window);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("a wrong password keeps the name, says what is wrong, and lets nobody in", async () => {
  const stranger = await open(browser, demo, { alive: true });
  await logIn(stranger, demo, demo.logins[0], "not the password at all");
  await stranger.page.locator("input[name=password]").waitFor();
  const typed = await stranger.page.locator("input[name=email], input[name=name]").inputValue();
  assert.equal(typed, demo.logins[0].email ?? demo.logins[0].name);
  assert.equal(await stranger.page.locator("input[name=password]").inputValue(), "");
  assert.ok((await stranger.page.locator("[aria-invalid=true], [role=alert]").count()) > 0, "it says what is wrong");
  await stranger.page.goto("/stock");
  assert.equal(new URL(stranger.page.url()).pathname, "/login");
  await stranger.context.close();
});

test("everybody in the demo can log in and log out", async () => {
  for (const login of demo.logins) {
    const person = await open(browser, demo, { alive: true });
    await logIn(person, demo, login);
    await person.page.locator("header.bar").waitFor();
    await person.page.locator("details.menu--person > summary").click();
    await person.page.getByRole("button", { name: "Log out" }).first().click();
    await person.page.locator("input[name=password]").waitFor();
    await person.context.close();
  }
});

for (const journey of [today, stock, skuPage, search, connections, goLivePreview]) {
  test(journey.title, async () => {
    await journey(window, found);
    quiet(window, journey.title);
  });
}

test("a sale at the till lowers the count on the open SKU page within two seconds", async () => {
  await visit(window, found.sku);
  const { page } = window;
  const till = await term(page, "Till says");
  const should = await term(page, "Should show");
  assert.ok(till >= 1 && should >= 1, `there is something to sell (till ${till}, should ${should})`);
  await page.evaluate(() => void Object.assign(globalThis, { sameDocument: true }));

  await demo.sell(found.name, 1);
  await page.waitForFunction(
    (wanted) => {
      const lines = [...document.querySelectorAll("dl.sum__lines > div")];
      const number = (label) => {
        const line = lines.find((line) => line.querySelector("dt")?.textContent.includes(label));
        return Number(line?.querySelector("dd")?.textContent.replace(/[^\d-]/g, ""));
      };
      return number("Till says") === wanted.till && number("Should show") === wanted.should;
    },
    { till: till - 1, should: should - 1 },
    { timeout: SALE_SHOWS_WITHIN_MS, polling: 50 },
  );
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true, "without loading the page again");
  quiet(window, "the SKU page after a sale");
});

test("a page that hears nothing says since when, and recovers by itself", async () => {
  await visit(window, found.sku);
  const { page, context } = window;
  const bar = page.locator("[data-not-live]");
  assert.equal(await bar.isVisible(), false, "all is well");
  await context.setOffline(true);
  await demo.sell(found.name, 1);
  // Told by what breaks off, by the sale, or by coming back to the window.
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await bar.waitFor({ state: "visible" });
  assert.match(await bar.innerText(), /^Not live since .*\d\d:\d\d.*Reload$/s);
  await context.setOffline(false);
  await bar.waitFor({ state: "hidden" });
  // What the browser itself says of a connection that is gone.
  window.complaints.splice(0);
});

test("a page whose session has ended says so, asks no more, and leads to the log-in", async () => {
  const person = await signedIn(browser, demo, { alive: true });
  const { page } = person;
  await page.evaluate(() => fetch("/logout", { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } }));
  const bar = page.locator("[data-not-live]");
  await bar.waitFor({ state: "visible" });
  assert.match(await bar.innerText(), /Not live since .*\d\d:\d\d/);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await bar.getByRole("link", { name: "Log in again" }).click();
  await page.locator("input[name=password]").waitFor();
  assert.ok(!asked.some((url) => url.endsWith("/events")), "a stranger does not ask again and again");
  await person.context.close();
});

test("the focus stays on its row when a movement comes in above it", async () => {
  await visit(window, found.sku);
  const { page } = window;
  const row = page.locator("#movements tbody tr").nth(2);
  const key = await row.getAttribute("data-row");
  assert.ok(key, "a row has a name");
  const before = await page.locator("#movements tbody tr").first().getAttribute("data-row");
  await row.focus();
  await demo.sell(found.name, 1);
  await page.waitForFunction((first) => document.querySelector("#movements tbody tr").dataset.row !== first, before);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.row), key);
  quiet(window, "the movements");
});

test("an outlet is moved only after a look at what that changes", async () => {
  await visit(window, "/connections");
  const { page } = window;
  await page.locator("details.place__change > summary").first().click();
  const form = page.locator("details.place__change form").first();
  await form.locator("select").selectOption({ label: "No place" });
  await form.getByRole("button").click();
  await page.waitForURL(/\/connections\/outlets\/[^/]+\/map/);
  await settled(window);
  assert.match(await page.locator("h1").innerText(), /^Take .* out of .*: \d/);
  assert.ok((await page.locator(".preview__writes tbody tr").count()) > 0, "every sum stands there");
  await accessible(window, "the preview of a move");
  await fits(window, "the preview of a move");
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.waitForURL(/\/connections$/);
  quiet(window, "the preview of a move");
});

test("the keys move about and open", async () => {
  await visit(window, "/stock");
  await window.page.keyboard.press("/");
  assert.equal(await window.page.evaluate(() => document.activeElement.name), "q");
  quiet(window, "the keys");
});

test("every page is for everybody, fits every width and looks as it should, light and dark", async () => {
  const places = { today: "/", stock: "/stock", sku: found.sku, connections: "/connections", "go-live": found.preview, search: `/search?q=${encodeURIComponent(found.name)}` };
  for (const scheme of ["light", "dark"]) {
    const viewer = await signedIn(browser, demo, { alive: true, scheme });
    for (const [name, address] of Object.entries(places)) {
      await visit(viewer, address);
      await accessible(viewer, `${name}, ${scheme}`);
      if (scheme === "light") await fits(viewer, name);
      for (const width of [1280, 390]) {
        await viewer.page.setViewportSize({ width, height: 900 });
        await shoot(viewer.page, `${name}-${scheme}-${width}`);
      }
      await viewer.page.setViewportSize({ width: 1280, height: 900 });
      quiet(viewer, `${name}, ${scheme}`);
    }
    await viewer.context.close();

    const visitor = await open(browser, demo, { alive: true, scheme });
    await visit(visitor, "/login");
    await settled(visitor);
    await accessible(visitor, `log-in, ${scheme}`);
    await fits(visitor, "log-in");
    await shoot(visitor.page, `login-${scheme}-1280`);
    quiet(visitor, `log-in, ${scheme}`);
    await visitor.context.close();
  }
});
