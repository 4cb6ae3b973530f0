import { chromium, expect, test } from "@playwright/test";
import { Server } from "../support/server";
import { launchOptions } from "../support/browser";

// Names that lead here, as a house network and a hostile site would have them.
const PASSWORD = "a long enough one";
const NAMES = "MAP house.lan 127.0.0.1, MAP rebind.example 127.0.0.1";

test("forms work by a name of the house over plain HTTP, and a foreign name leads nowhere", async ({}, info) => {
  test.skip(info.project.name !== "desktop", "it is not about the size");
  const server = await Server.start("others", ["--open", "--host", "house.lan"]);
  const args = [...(launchOptions.args ?? []), `--host-resolver-rules=${NAMES}`];
  const browser = await chromium.launch({ ...launchOptions, args });
  try {
    const page = await browser.newPage();
    const site = (name: string) => server.url.replace("127.0.0.1", name);
    await page.goto(`${site("house.lan")}/`);
    const book = await page.evaluate(() => fetch("/api/books").then(async (all) => (await all.json())[0].id));
    await page.goto(`${site("house.lan")}/book/${book}`);
    await page.getByText("Details", { exact: true }).click();
    await page.getByText("Rename", { exact: true }).click();
    await page.getByLabel("Title", { exact: true }).fill("Renamed by a form");
    await page.getByRole("button", { name: "Save" }).last().click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Renamed by a form");

    const answer = await page.goto(`${site("rebind.example")}/api/books`);
    expect(answer?.status()).toBe(421);
    await expect(page.locator("body")).not.toContainText("Renamed");
  } finally {
    await browser.close();
    await server.stop();
  }
});

test("a link on another site leads here, also once this browser has the app", async ({ browser }) => {
  const server = await Server.start("others", ["--open"]);
  try {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${server.url}/settings`);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    // Another site than ours for the browser, whoever answers there.
    await page.goto(`${server.url.replace("127.0.0.1", "localhost")}/offline`);
    await page.evaluate((address) => location.assign(address), server.url);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Library");
    expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  } finally {
    await server.stop();
  }
});

// Over plain HTTP a browser does not clear by itself what it has stored of a site.
test("where one person was is not told as the next one's, also over plain HTTP", async ({}, info) => {
  test.skip(info.project.name !== "desktop", "it is not about the size");
  const server = await Server.start("others", ["--open", "--host", "house.lan"]);
  const args = [...(launchOptions.args ?? []), `--host-resolver-rules=${NAMES}`];
  const browser = await chromium.launch({ ...launchOptions, args });
  try {
    const site = server.url.replace("127.0.0.1", "house.lan");
    const page = await (await browser.newContext({ baseURL: site })).newPage();
    const logIn = async (name: string) => {
      await page.getByLabel("Name").fill(name);
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Log in" }).click();
    };
    await page.goto("/people");
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Have people log in" }).click();
    await logIn("Ada");
    const form = page.locator("form", { hasText: "Add somebody" });
    await form.getByLabel("Name").fill("Max");
    await form.getByLabel("Password").fill(PASSWORD);
    await form.getByRole("button").click();
    await expect(page.getByRole("listitem").filter({ hasText: "Max" })).toBeVisible();

    // Ada's session ends while she reads, and the server does not hear where she is.
    const book = await page.evaluate(() => fetch("/api/books").then(async (all) => (await all.json())[0].id));
    await page.evaluate((id) => localStorage.setItem(`earmark.place.${id}`, `1 5 0 ${Date.now()}`), book);
    await page.context().clearCookies({ name: "earmark" });
    await page.goto(`/read/${book}/1`);
    await logIn("Max");
    await expect(page.locator("html")).toHaveAttribute("data-panels", "live");
    await expect(page.locator(".player")).toHaveAttribute("data-live", "true");
    const [place, progress] = await page.evaluate(
      async (id) => [
        localStorage.getItem(`earmark.place.${id}`),
        await fetch(`/api/books/${id}/progress`).then((answer) => answer.json()),
      ],
      book,
    );
    expect(place).toBeNull();
    expect(progress?.sentence ?? 0).toBe(0);
  } finally {
    await browser.close();
    await server.stop();
  }
});
