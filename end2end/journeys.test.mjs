// What people do on the pages, and how the pages look, with JavaScript on and off, against one demo.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { addresses, close, launch, logIn, open, quiet, signedIn, term, visit } from "./browser.mjs";
import { startDemo, startEmpty, startTaken } from "./demo.mjs";
import { connections, goLivePreview, search, skuPage, stock, stopWriting, today } from "./pages.mjs";
import { everyPage, everyPageOfAnEmptyHouse, frontPages, nothingIsLeftOut } from "./places.mjs";

/// From the sale at the counter to the lower number before the eyes of somebody who pressed nothing.
const SALE_SHOWS_WITHIN_MS = 2_000;

/// With JavaScript off each reload looks again.
const SALE_IS_FOUND_WITHIN_MS = 10_000;

const live = { name: "JavaScript on", alive: true };
const plain = { name: "JavaScript off", alive: false };

let demo;
let browser;
let found;

before(async () => {
  demo = await startDemo();
  browser = await launch();
  for (const how of [live, plain]) how.window = await signedIn(browser, demo, how);
  found = await addresses(live.window);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

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

test("the keys move about and open", async () => {
  const { window } = live;
  await visit(window, "/stock");
  await window.page.keyboard.press("/");
  assert.equal(await window.page.evaluate(() => document.activeElement.name), "q");
  quiet(window, "the keys");
});

test("everybody in the demo can log in, sees a front page of their own, and can log out", async () => {
  assert.equal(demo.logins.length, 6, "one for each role");
  await both((window) => frontPages(browser, demo, window));
});

test("every page is for everybody, fits every width and is quiet, by day and by night", async () => {
  await both((window) => everyPage(browser, demo, window, found, "live"));
  await stopWriting(live.window, found);
  await both((window) => everyPage(browser, demo, window, found, "stopped"));
});

test("so is every page of an empty house, and the one that says that it is broken", async () => {
  await both(async ({ alive }) => {
    const house = await startEmpty();
    try {
      await everyPageOfAnEmptyHouse(browser, house, alive);
    } finally {
      await house.stop();
    }
  });
});
