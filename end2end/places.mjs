// Every address that the program answers, and how somebody comes to see it. A page that is not in this list fails.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { close, logIn, looksRight, open, refusedOnPurpose, settled, signedIn, visit } from "./browser.mjs";
import { moveOutlet } from "./pages.mjs";

const SOURCES = path.join(import.meta.dirname, "../app/src");

/// Answers that are no pages, and who looks at them.
const NO_PAGES = {
  "/stock.csv": "downloaded in pages.mjs",
  "/events": "what live pages hear of changes by: app/tests/http/live.rs",
  "/health/live": "for machines: app/tests/http/health.rs",
  "/health/ready": "for machines: app/tests/http/health.rs",
};

/// A test asks one thing after the other, within the allowance that trade leaves.
const ANSWERED_WITHIN_MS = 30_000;

const at = (address, status) => (window, found) => visit(window, typeof address === "function" ? address(found) : address, status);

/// What is looked at while the demo's place is written to.
const PLACES = [
  { route: "/", name: "today", show: at("/") },
  { route: "/stock", name: "stock", show: at("/stock") },
  { route: "/stock", name: "unlinked", show: at("/stock?linked=no") },
  { route: "/stock", name: "nothing-matches", show: at("/stock?q=zzzz-nothing-is-called-this") },
  { route: "/stock/{variant}", name: "sku", show: at((found) => found.sku) },
  { route: "/search", name: "search", show: at((found) => `/search?q=${encodeURIComponent(found.name)}`) },
  { route: "/search", name: "search-nothing", show: at("/search?q=zzzz-nothing-is-called-this") },
  { route: "/search", name: "search-empty", show: at("/search") },
  { route: "/evidence/{kind}/{id}", name: "evidence-call", show: at((found) => found.evidence.call) },
  { route: "/evidence/{kind}/{id}", name: "evidence-record", show: at((found) => found.evidence.record) },
  { route: "/evidence/{kind}/{id}", name: "evidence-notice", show: at((found) => found.evidence.notice) },
  { route: "/connections", name: "connections", show: at("/connections") },
  { route: "/connections/outlets/{id}/map", name: "move", show: moveOutlet },
  { route: "/connections/mapping", name: "mapping", show: at("/connections/mapping") },
  { route: "/connections/{id}/keys", name: "keys", show: keys },
  { route: "/connections/{id}/test", name: "test", show: tested },
  { route: "/connections/{id}/remove", name: "remove-stays", show: stays },
  { route: "/connections/new", name: "connection-new", show: at("/connections/new") },
  ...["centra", "magento", "lightspeed-x", "lightspeed-r"].map((system) => ({
    route: "/connections/new",
    name: `connection-new-${system}`,
    show: at(`/connections/new?vendor=${system}`),
  })),
  { route: "/connections/new", name: "connection-new-refused", show: addNonsense },
  { route: "/connections/new", name: "error-role", as: "read-only", show: at("/connections/new", 403) },
  { route: "/login", name: "login", as: "nobody", show: at("/login") },
  { route: "/login", name: "login-refused", as: "nobody", show: comeInWrongly },
  { route: "", name: "error-no-such-sku", show: at("/stock/nothing-has-this-number", 404) },
  { route: "", name: "error-no-such-page", show: at("/nothing-is-here", 404) },
  { route: "", name: "error-stranger", as: "nobody", show: at("/nothing-is-here", 404) },
  { route: "", name: "error-address", show: at("/stock/%FF", 400) },
  { route: "", name: "error-method", show: at("/logout", 405) },
  { route: "/connections/places/{id}/go-live", name: "is-live", show: at((found) => found.preview) },
];

/// What is looked at when it is only read.
const STOPPED = [
  { route: "/connections/places/{id}/go-live", name: "go-live", show: preview },
  { route: "/", name: "today-not-written", show: at("/") },
  { route: "/connections", name: "connections-not-live", show: at("/connections") },
];

/// Looked at in [`everyPageOfAnEmptyHouse`].
const WITHOUT_ANYTHING = ["/setup", "/", "/stock", "/connections"];

async function keys(window) {
  await visit(window, "/connections");
  await visit(window, await window.page.locator("a[href$='/keys']").first().getAttribute("href"));
}

async function tested(window) {
  const { page } = window;
  await visit(window, "/connections");
  await visit(window, await page.locator("a[href$='/test']").first().getAttribute("href"));
  await page.getByRole("button", { name: "Test now" }).click();
  await page.waitForLoadState();
  await settled(window);
  // The other window may ask at the same time, and then the answers of both begin anew. With JavaScript off each look
  // loads the page again.
  const lines = page.locator(".check-line");
  const until = performance.now() + ANSWERED_WITHIN_MS;
  while ((await lines.count()) < 4 && performance.now() < until) {
    if (window.alive) await lines.nth(3).waitFor({ timeout: ANSWERED_WITHIN_MS });
    else await visit(window, page.url());
  }
  assert.ok((await lines.count()) >= 4, "each thing that is asked has its line");
}

/// The demo's connections have been read: they stay, and their page says why.
async function stays(window) {
  await visit(window, "/connections");
  const keys = await window.page.locator("a[href$='/keys']").first().getAttribute("href");
  await visit(window, keys.replace(/keys$/, "remove"));
  await window.page.getByRole("link", { name: "Back to Connections" }).waitFor();
}

async function addNonsense(window) {
  await visit(window, "/connections/new");
  const { page } = window;
  await page.getByRole("link", { name: "Magento" }).click();
  await settled(window);
  await page.locator("input[name=name]").fill("x".repeat(300));
  await page.locator("input[name=base_url]").fill("http://not an address");
  // What the browser would refuse by itself is refused by us as well.
  await page.locator("form.form").evaluate((form) => (form.noValidate = true));
  await page.getByRole("button", { name: "Add the connection" }).click();
  await page.locator(".flash--refused").waitFor();
  refusedOnPurpose(window, 422);
}

async function comeInWrongly(window, _, demo) {
  await logIn(window, demo, demo.logins[0], "not the password at all");
  await window.page.locator("[aria-invalid=true], [role=alert]").first().waitFor();
  refusedOnPurpose(window, 401);
}

async function preview(window, found) {
  await visit(window, found.preview);
  await window.page.locator("input[name=expected_writes]").waitFor({ state: "attached" });
}

/// Addresses that are asked for with GET, as the sources register them.
async function registered() {
  const files = ["pages/mod.rs"];
  for (const file of await readdir(path.join(SOURCES, "server"))) files.push(`server/${file}`);
  const routes = [];
  for (const file of files) {
    const text = await readFile(path.join(SOURCES, file), "utf8");
    for (const [, route, answers] of text.matchAll(/\.route\(\s*"([^"]+)",((?:[^()]|\([^()]*\))*)\)/g)) {
      if (/\bget\(/.test(answers)) routes.push(route);
    }
    for (const [, route] of text.matchAll(/\.get\(\s*"(\/[^"]*)"/g)) routes.push(route);
  }
  return routes;
}

/// Nobody adds a page that is not looked at.
export async function nothingIsLeftOut() {
  const known = [...[...PLACES, ...STOPPED].map((place) => place.route).filter(Boolean), ...WITHOUT_ANYTHING, ...Object.keys(NO_PAGES)];
  const routes = await registered();
  assert.ok(routes.length > 10, `only ${routes} were found in the sources`);
  assert.deepEqual([...new Set(known)].sort(), [...new Set(routes)].sort(), "places.mjs names every address, and none that is gone");
}

/// What is wrong, and nothing behind it: the end of a long log is what is read of it.
function shortly(wrong) {
  const error = new Error(wrong.join("\n"));
  error.stack = error.message;
  return error;
}

/// All of them, each as the one who sees it. Whatever is wrong is told at once.
export async function everyPage(browser, demo, window, found, state) {
  const { alive } = window;
  const others = {};
  const come = (name) => {
    const login = demo.logins.find((login) => login.name === name);
    return login ? signedIn(browser, demo, { alive }, login) : open(browser, demo, { alive });
  };
  const wrong = [];
  for (const place of { live: PLACES, stopped: STOPPED }[state]) {
    if (place.as) others[place.as] ??= await come(place.as);
    const who = others[place.as] ?? window;
    try {
      await place.show(who, found, demo);
      await looksRight(who, place.name, alive && place.name);
    } catch (error) {
      wrong.push(`${place.name}, JavaScript ${alive ? "on" : "off"}: ${error.message}`);
      who.complaints.length = 0;
    }
  }
  for (const other of Object.values(others)) await close(other);
  if (wrong.length > 0) throw shortly(wrong);
}

/// Each of the demo's people comes in, sees Today as it is for them, and goes out again.
export async function frontPages(browser, demo, { alive }) {
  for (const login of demo.logins) {
    const person = await signedIn(browser, demo, { alive }, login);
    await looksRight(person, `the front page of ${login.name}`);
    await person.page.setViewportSize({ width: 1280, height: 900 });
    await person.page.locator("details.menu--person > summary").click();
    await person.page.getByRole("button", { name: "Log out" }).first().click();
    await person.page.locator("input[name=password]").waitFor();
    await close(person);
  }
}

/// The first minutes of a new house, and the page that says that its disk is full.
export async function everyPageOfAnEmptyHouse(browser, house, alive) {
  const window = await open(browser, house, { alive });
  const { page } = window;
  await visit(window, "/");
  assert.equal(new URL(page.url()).pathname, "/setup", "without an account everything leads there");
  await looksRight(window, "setup", alive && "setup");
  const giveCode = async (code) => {
    await page.locator("input[name=code]").fill(code);
    await page.locator("input[name=name]").fill("first");
    await page.locator("input[name=password]").fill("two quiet linen shirts");
    await page.getByRole("button", { name: "Make the account" }).click();
  };
  await giveCode("not the code");
  await page.locator(".flash--refused").waitFor();
  refusedOnPurpose(window, 403);
  await looksRight(window, "setup, refused");
  await giveCode(house.code);
  await page.locator("header.bar").waitFor();
  for (const address of WITHOUT_ANYTHING.slice(1)) {
    await visit(window, address);
    await looksRight(window, `${address} of an empty house`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await house.fill();
  await page.locator("details.menu--person > summary").click();
  await page.getByRole("button", { name: "Log out" }).first().click();
  await page.getByRole("heading", { name: "Logging out failed" }).waitFor();
  refusedOnPurpose(window, 500);
  await looksRight(window, "error-full", alive && "error-full");
  await close(window);
}
