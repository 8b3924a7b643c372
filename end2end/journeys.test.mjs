// What people do on the pages, and how the pages look, with JavaScript on and off, against one demo.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test as named } from "node:test";
import { addresses, close, launch, logIn, open, quiet, signedIn, term, visit, within } from "./browser.mjs";
import { startDemo, startEmpty, startTaken } from "./demo.mjs";
import { connections, goLivePreview, moveOutlet, search, skuPage, stock, stopWriting, today } from "./pages.mjs";
import { everyPage, everyPageOfAnEmptyHouse, frontPages, nothingIsLeftOut } from "./places.mjs";

/// From the sale at the counter to the lower number before the eyes of somebody who pressed nothing.
const SALE_SHOWS_WITHIN_MS = 2_000;

/// With JavaScript off each reload looks again.
const SALE_IS_FOUND_WITHIN_MS = 10_000;

const live = { name: "JavaScript on", alive: true };
const plain = { name: "JavaScript off", alive: false };

/// Nothing here waits for ever, and what did not come to an end is named: a journey of a few steps, and the looks at
/// every page there is.
const JOURNEY = { timeout: 120_000 };
const EVERY_PAGE = { timeout: 600_000 };

const test = (name, work) => named(name, JOURNEY, work);

let demo;
let browser;
let found;

before(async () => {
  demo = await startDemo();
  browser = await launch();
  for (const how of [live, plain]) how.window = await signedIn(browser, demo, how);
  found = await addresses(live.window);
}, EVERY_PAGE);

after(async () => {
  // The demo first: a browser that does not end must not keep it.
  await demo?.stop();
  await within("closing the browser", browser?.close());
}, JOURNEY);

/// With JavaScript on and off side by side: there are two cores, and waiting is most of it.
async function both(work) {
  const ended = await Promise.allSettled([live, plain].map((how) => work(how.window)));
  for (const { reason } of ended.filter((one) => one.status === "rejected")) throw reason;
}

test("every address of the program is in the list of what is looked at", nothingIsLeftOut);

test("a demo whose port is taken says so before it plays its day", async () => {
  const other = createServer();
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { how, said } = await startTaken("demo", other.address().port);
  await new Promise((resolve) => other.close(resolve));
  assert.equal(how, 1);
  assert.match(said, /LISTEN 127\.0\.0\.1:\d+ is taken/);
  assert.doesNotMatch(said, /Playing/);
});

for (const { name, alive } of [live, plain]) {
  test(`a wrong password keeps the name, says what is wrong, and lets nobody in (${name})`, async () => {
    const stranger = await open(browser, demo, { alive });
    await logIn(stranger, demo, demo.logins[0], "not the password at all");
    await stranger.page.locator("input[name=password]").waitFor();
    const typed = await stranger.page.locator("input[name=email], input[name=name]").inputValue();
    assert.equal(typed, demo.logins[0].email ?? demo.logins[0].name);
    assert.equal(await stranger.page.locator("input[name=password]").inputValue(), "");
    assert.ok((await stranger.page.locator("[aria-invalid=true], [role=alert]").count()) > 0, "it says what is wrong");
    await stranger.page.goto("/stock");
    assert.equal(new URL(stranger.page.url()).pathname, "/login");
    await close(stranger);
  });
}

for (const how of [live, plain]) {
  for (const journey of [today, stock, skuPage, search, connections, goLivePreview]) {
    test(`${journey.title} (${how.name})`, async () => {
      await journey(how.window, found);
      quiet(how.window, journey.title);
    });
  }
}

test("a sale at the till lowers the count on the open SKU page within two seconds", async () => {
  const { window } = live;
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

test("a sale at the till lowers the count on the next look (JavaScript off)", async () => {
  const { window } = plain;
  await visit(window, found.sku);
  const should = await term(window.page, "Should show");
  assert.ok(should >= 1, "there is something to sell");
  await demo.sell(found.name, 1);
  const start = performance.now();
  let shows = should;
  while (shows !== should - 1 && performance.now() - start < SALE_IS_FOUND_WITHIN_MS) {
    await visit(window, found.sku);
    shows = await term(window.page, "Should show");
  }
  assert.equal(shows, should - 1);
});

test("a page that hears nothing says since when, and recovers by itself", async () => {
  const { window } = live;
  await visit(window, found.sku);
  const { page, context } = window;
  const bar = page.locator("[data-not-live]");
  assert.equal(await bar.isVisible(), false, "all is well");
  await context.setOffline(true);
  try {
    await demo.sell(found.name, 1);
    // Told by what breaks off, by the sale, or by coming back to the window.
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await bar.waitFor({ state: "visible" });
    assert.match(await bar.innerText(), /^Not live since .*\d\d:\d\d.*Reload$/s);
  } finally {
    await context.setOffline(false);
  }
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
  await close(person);
});

test("the focus stays on its row when a movement comes in above it", async () => {
  const { window } = live;
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

for (const how of [live, plain]) {
  test(`${moveOutlet.title} (${how.name})`, async () => {
    await moveOutlet(how.window);
    await how.window.page.getByRole("link", { name: "Cancel" }).click();
    await how.window.page.waitForURL(/\/connections$/);
    quiet(how.window, "the preview of a move");
  });
}

test("the keys move about and open", async () => {
  const { window } = live;
  await visit(window, "/stock");
  await window.page.keyboard.press("/");
  assert.equal(await window.page.evaluate(() => document.activeElement.name), "q");
  quiet(window, "the keys");
});

named("everybody in the demo can log in, sees a front page of their own, and can log out", EVERY_PAGE, async () => {
  assert.equal(demo.logins.length, 6, "one for each role");
  await frontPages(browser, demo, live.window);
});

named("every page is for everybody, fits every width and is quiet, by day and by night", EVERY_PAGE, async () => {
  await both((window) => everyPage(browser, demo, window, found, "live"));
  await stopWriting(live.window, found);
  await both((window) => everyPage(browser, demo, window, found, "stopped"));
});

named("so is every page of an empty house, and the one of a full disk", EVERY_PAGE, async () => {
  await both(async ({ alive }) => {
    const house = await startEmpty();
    try {
      await everyPageOfAnEmptyHouse(browser, house, alive);
    } finally {
      await house.stop();
    }
  });
});
