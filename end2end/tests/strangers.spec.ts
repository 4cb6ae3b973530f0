import { chromium, expect, test } from "@playwright/test";
import { Server } from "../support/server";
import { launchOptions } from "../support/browser";

// Names that lead here, as a house network and a hostile site would have them.
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
    await page.getByLabel("Title").fill("Renamed by a form");
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
