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
