// What a person does on each page; the same with JavaScript on and off.

import assert from "node:assert/strict";
import { settled, term, visit } from "./browser.mjs";

export async function today(window) {
  const { page } = window;
  await visit(window, "/");
  await page.locator("header.bar").waitFor();
  const fresh = await page.locator("#freshness").innerText();
  assert.match(fresh, /read up to \d\d:\d\d:\d\d/, "the page says how old its numbers are");
  await page.locator("h1").waitFor();
}
today.title = "Today says what needs somebody, and how old its numbers are";

export async function stock(window, found) {
  const { page } = window;
  await visit(window, "/stock");
  const all = await count(page);
  assert.ok(all > 0, "there are rows");

  // Filtered by words and by the address; the address holds what was asked for.
  await page.locator("input#filter-q").fill(found.name);
  await Promise.all([page.waitForURL(/[?&]q=/), page.locator("input#filter-q").press("Enter")]);
  await settled(window);
  const rows = page.locator("#stock tbody tr");
  assert.ok((await rows.count()) >= 1, "the SKU is found by its own name");
  for (const sku of await rows.locator("code").allInnerTexts()) {
    assert.ok(sku.startsWith(found.name), `${sku} matches ${found.name}`);
  }

  // Sorted by following the head of a column.
  await visit(window, "/stock");
  await page.getByRole("columnheader", { name: "SKU" }).getByRole("link").click();
  await page.waitForURL(/sort=sku/);
  await settled(window);
  const skus = await page.locator("#stock tbody tr").evaluateAll((rows) => rows.map((row) => row.querySelector("code")?.textContent ?? ""));
  assert.deepEqual(skus, [...skus].sort(), "sorted by SKU");

  // The next page is another page, where there is one.
  const next = page.locator("nav.pager a[rel=next]");
  if ((await next.count()) > 0) {
    await next.click();
    await page.waitForURL(/page=2/);
    await settled(window);
    const second = await page.locator("#stock tbody tr code").first().innerText();
    assert.ok(!skus.includes(second), "the second page begins where the first ended");
  } else {
    assert.ok(all <= 200, "a long list has pages");
  }

  // The same rows as a file.
  await visit(window, "/stock");
  const href = await page.locator("a[href^='/stock.csv']").getAttribute("href");
  const file = await page.context().request.get(href);
  assert.equal(file.status(), 200);
  assert.match(file.headers()["content-type"], /^text\/csv/);
  assert.match(file.headers()["content-disposition"], /attachment/);
  const lines = (await file.text()).trim().split(/\r?\n/);
  assert.equal(lines.length - 1, all, "the file holds every row");
}
stock.title = "Stock is filtered, sorted, paged and downloaded";

async function count(page) {
  const range = await page.locator("nav.pager > span").first().innerText();
  return Number(range.split(" of ").at(-1).replace(/[^\d]/g, ""));
}

export async function skuPage(window, found) {
  const { page } = window;
  await visit(window, found.sku);
  const terms = {};
  for (const label of ["Till says", "Waiting web orders", "On hold (returns)", "Buffer", "Should show"]) {
    terms[label] = await term(page, label);
  }
  const taken = terms["Waiting web orders"] + terms["On hold (returns)"] + terms.Buffer;
  const checked = (await page.locator("dl.sum__lines dt", { hasText: "Being checked" }).count()) > 0 ? await term(page, "Being checked") : 0;
  assert.equal(terms["Should show"], Math.max(0, terms["Till says"] - taken - checked), "the sum adds up before the reader's eyes");
  assert.ok((await page.locator("li.why__line").count()) >= 1, "why stands beside it");
  assert.ok((await page.locator("table").count()) >= 1, "movements are listed");
}
skuPage.title = "a SKU page shows the sum as a sum";

export async function search(window, found) {
  const { page } = window;
  await visit(window, `/search?q=${encodeURIComponent(found.name)}`);
  const results = page.locator(".table--found tbody a");
  assert.ok((await results.count()) >= 1, "the SKU is found");
  await results.first().click();
  await page.waitForURL(/\/stock\//);
  await visit(window, "/search?q=zzzz-nothing-is-called-this");
  assert.equal(await page.locator(".table--found").count(), 0);
  assert.match(await page.locator("main").innerText(), /Nothing matches/);
}
search.title = "search finds a SKU and says so when there is nothing";

export async function connections(window) {
  const { page } = window;
  await visit(window, "/connections");
  const text = await page.locator("main").innerText();
  assert.match(text, /Web shop/i);
  assert.match(text, /Till/i);
  assert.match(text, /read up to/i);
}
connections.title = "Connections shows shop and till with what was read";

export async function stopWriting(window, found) {
  const { page } = window;
  await visit(window, found.preview);
  assert.match(await page.locator("h1").innerText(), /is live/i, "the demo's place is live already");
  await page.getByRole("button", { name: /Stop writing/ }).first().click();
  await page.waitForURL(/\/connections$/);
}

export async function goLivePreview(window, found) {
  const { page } = window;
  await stopWriting(window, found);
  // Trade goes on: what changed between the look and the press is refused, and looked at again.
  for (let tries = 0; tries < 10; tries += 1) {
    await visit(window, found.preview);
    const shown = await page.locator(".preview__writes tbody tr").count();
    const announced = Number(await page.locator("input[name=expected_writes]").inputValue());
    assert.equal(shown, announced, "as many writes are shown as would be made");
    if (tries === 0) {
      await page.getByRole("link", { name: "Cancel" }).click();
      await page.waitForURL(/\/connections$/);
      continue;
    }
    const arrived = page.waitForEvent("framenavigated");
    await page.locator("form:has(input[name=expected_writes]) button[type=submit]").first().click();
    await arrived;
    await page.waitForLoadState();
    if (/\/connections$/.test(page.url())) return;
  }
  assert.fail("the place did not go live again");
}
goLivePreview.title = "before a place goes live every write is shown";

/// Up to the preview of what a move changes.
export async function moveOutlet(window) {
  const { page } = window;
  await visit(window, "/connections");
  await page.locator("details.place__change > summary").first().click();
  const form = page.locator("details.place__change form").first();
  await form.locator("select").selectOption({ label: "No place" });
  await form.getByRole("button").click();
  await page.waitForURL(/\/connections\/outlets\/[^/]+\/map/);
  await settled(window);
  assert.match(await page.locator("h1").innerText(), /^Take .* out of .*: \d/);
  assert.ok((await page.locator(".preview__writes tbody tr").count()) > 0, "every sum stands there");
}
moveOutlet.title = "an outlet is moved only after a look at what that changes";
