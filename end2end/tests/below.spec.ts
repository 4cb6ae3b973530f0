import { chromium, request, type Page } from "@playwright/test";
import getPodcastFromFeed from "podparse";
import { launchOptions } from "../support/browser";
import { novel } from "../support/books";
import { Reader } from "../pages/reader";
import { freePort, Proxy } from "../support/proxy";
import { Server } from "../support/server";
import { expect, test } from "../support/test";

const PASSWORD = "a long enough one";

// What docs/proxies.md says of nginx.
const common = `
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_buffering off;
  proxy_read_timeout 1h;
  client_max_body_size 1100m;`;

/** Every address of a page that does not lie below the site. */
async function strays(page: Page, base: string): Promise<string[]> {
  return page.evaluate((base) => {
    const names = ["href", "src", "action", "formaction", "poster"];
    const all = [...document.querySelectorAll("*")].flatMap((element) => names.map((name) => element.getAttribute(name)));
    return all.filter((address): address is string => !!address?.startsWith("/") && !address.startsWith(`${base}/`));
  }, base);
}

/** Imports a book and reads it; nothing is asked for beside the site. Answers with the book. */
async function reads(page: Page, site: string, base: string): Promise<string> {
  const faults: string[] = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("response", (answer) => answer.status() >= 400 && faults.push(`${answer.status()}: ${answer.url()}`));
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (request.url().startsWith("http") && pathname !== base && !pathname.startsWith(`${base}/`)) faults.push(`outside: ${request.url()}`);
  });
  await page.goto(site);
  await expect(page).toHaveURL(`${site}/`);
  await page.mouse.move(20, 20);
  await expect(page.locator(".import[data-live]")).toBeVisible();
  await page.locator('input[type="file"]').setInputFiles({ name: "a.epub", mimeType: "application/epub+zip", buffer: novel("Below") });
  await page.getByRole("link", { name: "Below" }).first().click();
  const id = page.url().match(/[0-9a-f]{16}/)![0];
  const pages = [`/book/${id}`, `/book/${id}/voices`, `/book/${id}/search?q=the`, "/settings", "/account", "/people", "/keys", "/developers", "/nowhere"];
  for (const path of pages) {
    const answer = await page.request.get(`${site}${path}`, { headers: { accept: "text/html" } });
    expect(answer.status(), path).toBe(path === "/nowhere" ? 404 : 200);
    if (path !== "/nowhere") await page.goto(`${site}${path}`);
    expect(await strays(page, base), path).toEqual([]);
  }
  // The typeface, the scripts and the sound come, and the page follows the voice into the next chapter.
  await page.goto(`${site}/read/${id}/1`);
  const reader = new Reader(page);
  await reader.isLive();
  // The typeface comes after the text.
  await expect.poll(() => page.evaluate(() => document.fonts.check("1em Literata"))).toBe(true);
  await reader.sentence(75).click();
  await reader.isPlaying();
  await reader.reaches(77);
  await expect(page).toHaveURL(`${site}/read/${id}/2`, { timeout: 30_000 });
  // A panel, a setting by script, and a form without.
  const panel = await reader.openPanel("Notes");
  await expect(panel).toContainText("Notes");
  await reader.closePanel();
  await page.goto(`${site}/book/${id}`);
  expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).scope)).toBe(`${site}/`);
  const description = await (await page.request.get(`${site}/api/openapi.json`)).json();
  expect(description.servers).toEqual([{ url: base }]);
  const manifest = await (await page.request.get(`${site}/manifest.webmanifest`)).json();
  expect(new URL(manifest.start_url, `${site}/manifest.webmanifest`).href).toBe(`${site}/`);
  expect(faults).toEqual([]);
  return id;
}

/** Subscribes to the book as a podcast app does, which knows nothing but the address and fetches episodes in parts. */
async function subscribes(page: Page, site: string, book: string): Promise<void> {
  const made = await page.request.post(`${site}/api/books/${book}/feeds`, { headers: { origin: new URL(site).origin }, form: {} });
  expect(made.status()).toBe(201);
  const address: string = (await made.json()).page;
  expect(address.startsWith(`${site}/`)).toBe(true);
  const app = await request.newContext({ ignoreHTTPSErrors: true });
  try {
    const episodes = async () => getPodcastFromFeed(await (await app.get(address)).text()).episodes;
    await expect.poll(async () => (await episodes()).length, { timeout: 60_000 }).toBe(3);
    const all = await episodes();
    expect(all.map((one) => [one.title, one.episode])).toEqual([["The Long One", 1], ["The Short One", 2], ["The Last One", 3]]);
    for (const { enclosure, duration } of all) {
      expect(enclosure.url.startsWith(`${site}/`), enclosure.url).toBe(true);
      const head = await app.head(enclosure.url);
      expect(head.headers()["content-length"]).toBe(String(enclosure.length));
      const whole = await (await app.get(enclosure.url)).body();
      expect(Math.abs((whole.length * 8) / 48_000 - duration)).toBeLessThan(1.5);
      // An app that was cut off goes on where it was.
      const part = await app.get(enclosure.url, { headers: { range: "bytes=5000-5999", "if-range": head.headers().etag ?? "" } });
      expect([part.status(), part.headers()["content-range"]]).toEqual([206, `bytes 5000-5999/${whole.length}`]);
      expect(whole.subarray(5000, 6000).equals(await part.body())).toBe(true);
    }
  } finally {
    await app.dispose();
  }
}

async function logIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** Invites somebody, who comes by the link and sees where they are logged in; and lends the book by a link to a guest. */
async function letsOthersIn(page: Page, site: string, book: string): Promise<void> {
  const browser = page.context().browser()!;
  const stranger = async () => (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(`${site}/people`);
  const invite = page.locator("form", { hasText: "Invite somebody" });
  await invite.getByLabel("May do").selectOption("member");
  await invite.getByRole("button").click();
  const invitation = await page.locator("code.token").innerText();
  expect(invitation.startsWith(`${site}/`), invitation).toBe(true);
  const max = await stranger();
  await max.goto(invitation);
  await max.getByLabel("Name").fill("Max");
  await max.getByLabel("Password").fill(PASSWORD);
  await max.getByRole("button", { name: "Create the account" }).click();
  await expect(max).toHaveURL(`${site}/login`);
  await logIn(max, "Max");
  await expect(max).toHaveURL(`${site}/`);
  // Another browser of his, which is logged out from this one.
  const other = await stranger();
  await other.goto(`${site}/login`);
  await logIn(other, "Max");
  await expect(other).toHaveURL(`${site}/`);
  await max.goto(`${site}/account`);
  await max.getByRole("button", { name: /^Log out there/ }).click();
  await expect(max.getByRole("button", { name: /^Log out there/ })).toHaveCount(0);
  await other.goto(`${site}/settings`);
  await expect(other).toHaveURL(/\/earmark\/login\?next=/);

  await page.goto(`${site}/book/${book}`);
  await page.locator("summary").first().click();
  await page.getByText("Share by link").click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = await page.getByRole("status").locator("code").innerText();
  expect(link.startsWith(`${site}/s/`), link).toBe(true);
  const guest = await stranger();
  await guest.goto(link);
  await guest.getByRole("button", { name: "Open the book" }).click();
  await expect(guest).toHaveURL(`${site}/book/${book}`);
  await guest.getByRole("link", { name: "Start reading" }).click();
  const reader = new Reader(guest);
  await reader.isLive();
  await reader.startPlaying();
}

/** Another person on this browser finds nothing of what the first has kept; other sites of the host lose nothing. */
async function forgets(page: Page, site: string, book: string): Promise<void> {
  await page.context().setOffline(false);
  await page.goto(`${site}/`);
  await page.evaluate(() => localStorage.setItem("of another site", "stays"));
  const kept = () => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("book:/earmark:")).length);
  expect(await kept()).toBe(1);
  await page.context().clearCookies({ name: "__Secure-earmark" });
  await page.goto(`${site}/book/${book}`);
  await logIn(page, "Max");
  await expect(page).toHaveURL(`${site}/book/${book}`);
  await expect.poll(kept).toBe(0);
  expect(await page.evaluate(() => localStorage.getItem("of another site"))).toBe("stays");
}

/** Keeps the book on the device and opens it without a connection. */
async function readsOffline(page: Page, site: string, book: string): Promise<void> {
  await page.goto(`${site}/book/${book}`);
  await page.locator("summary").first().click();
  await page.getByRole("button", { name: "Keep on this device" }).click();
  await expect(page.locator(".keep .hint")).toHaveText(/^Kept: \d+\.\d MB$/, { timeout: 60_000 });
  await page.context().setOffline(true);
  await page.goto(`${site}/read/${book}/1`);
  const reader = new Reader(page);
  await reader.isLive();
  await reader.sentence(3).click();
  await reader.isPlaying();
  await reader.reaches(4);
  await page.goto(`${site}/`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Library");
}

test.describe("behind nginx with HTTPS and HTTP/2", () => {
  test.beforeEach(({}, info) => test.skip(info.project.name !== "desktop", "it is not about the size"));

  test("a site below a path is whole", async () => {
    test.setTimeout(180_000);
    const port = await freePort();
    const site = `https://localhost:${port}/earmark`;
    const server = await Server.start("others", ["--url", site, "--trusted-proxies", "127.0.0.1"]);
    const proxy = await Proxy.start(port, `location /earmark { ${common} proxy_pass ${server.url}; }`);
    const browser = await chromium.launch({ ...launchOptions, args: [...(launchOptions.args ?? []), "--ignore-certificate-errors"] });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
      const page = await context.newPage();
      await expect.poll(() => server.setUpPage).toContain(`${site}/setup?code=`);
      await page.goto(server.setUpPage);
      await page.getByLabel("Name").fill("Ada");
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button").click();
      await expect(page).toHaveURL(`${site}/login`);
      await logIn(page, "Ada");
      await expect(page).toHaveURL(`${site}/`);
      const cookies = await context.cookies();
      expect(cookies.find((cookie) => cookie.name === "__Secure-earmark")).toMatchObject({ secure: true, httpOnly: true, path: "/earmark/" });
      const protocol = await page.evaluate(() => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).nextHopProtocol);
      expect(protocol).toBe("h2");
      const book = await reads(page, site, "/earmark");
      await subscribes(page, site, book);
      await letsOthersIn(page, site, book);
      await readsOffline(page, site, book);
      await forgets(page, site, book);
    } finally {
      await browser.close();
      await proxy.stop();
      await server.stop();
    }
  });

  test("a proxy that takes the path away says which it was", async () => {
    test.setTimeout(120_000);
    const port = await freePort();
    const site = `https://localhost:${port}/library/earmark`;
    const server = await Server.start("others", ["--open", "--trusted-proxies", "127.0.0.1"]);
    const prefix = `${common} proxy_set_header X-Forwarded-Prefix /library/earmark; proxy_pass ${server.url}/;`;
    const proxy = await Proxy.start(port, `location = /library/earmark { return 301 /library/earmark/; } location /library/earmark/ { ${prefix} }`);
    const browser = await chromium.launch({ ...launchOptions, args: [...(launchOptions.args ?? []), "--ignore-certificate-errors"] });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
      await reads(await context.newPage(), site, "/library/earmark");
    } finally {
      await browser.close();
      await proxy.stop();
      await server.stop();
    }
  });
});
