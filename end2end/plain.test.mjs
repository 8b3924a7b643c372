// The same pages with JavaScript off: they do their job as plain HTML, a reload instead of live parts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, addresses, fits, launch, logIn, open, quiet, signedIn, term, visit } from "./browser.mjs";
import { startDemo } from "./demo.mjs";
import { connections, goLivePreview, search, skuPage, stock, today } from "./pages.mjs";

/// A count may take this long to arrive; each reload looks again.
const SALE_SHOWS_WITHIN_MS = 10_000;

let demo;
let browser;
let window;
let found;

before(async () => {
  demo = await startDemo();
  browser = await launch();
  window = await signedIn(browser, demo, { alive: false });
  found = await addresses(window);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("a wrong password lets nobody in", async () => {
  const stranger = await open(browser, demo, { alive: false });
  await logIn(stranger, demo, demo.logins[0], "not the password at all");
  await stranger.page.goto("/stock");
  assert.equal(new URL(stranger.page.url()).pathname, "/login");
  await stranger.context.close();
});

for (const journey of [today, stock, skuPage, search, connections, goLivePreview]) {
  test(journey.title, async () => {
    await journey(window, found);
    quiet(window, journey.title);
  });
}

test("a sale at the till lowers the count on the next look", async () => {
  await visit(window, found.sku);
  const should = await term(window.page, "Should show");
  assert.ok(should >= 1, "there is something to sell");
  await demo.sell(found.name, 1);
  const start = performance.now();
  let shows = should;
  while (shows !== should - 1 && performance.now() - start < SALE_SHOWS_WITHIN_MS) {
    await visit(window, found.sku);
    shows = await term(window.page, "Should show");
  }
  assert.equal(shows, should - 1);
});

test("every page is for everybody and fits every width", async () => {
  for (const address of ["/", "/stock", found.sku, "/connections", found.preview]) {
    await visit(window, address);
    await accessible(window, address);
    await fits(window, address);
    quiet(window, address);
  }
});
