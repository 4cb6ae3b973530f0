import type { Page } from "@playwright/test";
import { expect, test } from "../support/test";
import { Server } from "../support/server";
import { Reader } from "../pages/reader";

const PASSWORD = "a long enough one";
const TEXT = Array.from({ length: 12 }, (_, n) => `This is what was written on day ${n + 1}.`).join("\n\n");

async function logIn(page: Page, name: string): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Library");
}

test.describe("with people", () => {
  let server: Server;
  test.beforeAll(async () => {
    server = await Server.start("others", ["--addr", "127.0.0.1:0"]);
  });
  test.afterAll(() => server.stop());

  test("a book of one's own is lent by a link, until it is withdrawn", async ({ browser }, info) => {
    const person = async () => {
      const { viewport, isMobile, hasTouch, userAgent } = info.project.use;
      const options = { viewport, isMobile, hasTouch, userAgent, baseURL: server.url };
      return (await browser.newContext(options)).newPage();
    };
    const setUp = await person();
    await setUp.goto("/");
    await setUp.request.post("/api/people", {
      form: { name: "Ada", password: PASSWORD, role: "admin" },
      headers: { origin: server.url },
    });
    const ada = await person();
    await logIn(ada, "Ada");
    await ada.request.post("/api/people", {
      form: { name: "Max", password: PASSWORD, role: "member" },
      headers: { origin: server.url },
    });

    // A book that only Ada sees.
    await ada.getByLabel("only for me").check();
    await ada.getByLabel("Add books").setInputFiles({
      name: "My diary.txt",
      mimeType: "text/plain",
      buffer: Buffer.from(TEXT),
    });
    const item = ada.getByRole("listitem").filter({ hasText: "My diary" });
    await expect(item.getByText("only for you")).toBeVisible();
    const max = await person();
    await logIn(max, "Max");
    await expect(max.getByRole("listitem").filter({ hasText: "diary" })).toHaveCount(0);

    // She lends it.
    await item.getByRole("link").first().click();
    await expect(ada.getByText("Only you see this book")).toBeVisible();
    await ada.getByText("Details").click();
    await ada.getByText("Share by link").click();
    await ada.getByRole("button", { name: "Make a link" }).click();
    const link = await ada.getByRole("status").locator("code").innerText();
    expect(link).toMatch(/\/s\/ems_/);

    // Whoever has the link reads and listens, and sees nothing else.
    const guest = await person();
    await guest.goto(link);
    await expect(guest.getByText("Ada shares this book with you.")).toBeVisible();
    await guest.getByRole("button", { name: "Open the book" }).click();
    await expect(guest.getByRole("heading", { level: 1 })).toHaveText("My diary");
    await guest.getByRole("link", { name: "Start reading" }).click();
    const reader = new Reader(guest);
    await reader.isLive();
    await reader.startPlaying();
    await guest.goto("/");
    await expect(guest.locator(".shelf").getByRole("listitem")).toHaveCount(1);
    await guest.goto("/account");
    await expect(guest).toHaveURL(/\/login\?next=%2Faccount$/);

    // Until she withdraws it.
    await ada.goto("/account");
    await ada.getByRole("button", { name: "Withdraw: My diary" }).click();
    await expect(ada.getByRole("button", { name: "Withdraw: My diary" })).toHaveCount(0);
    await guest.waitForTimeout(100);
    await guest.goto(link);
    await expect(guest.getByRole("heading", { level: 1 })).toHaveText("This link is no longer good");

    // What she gives away is everybody's.
    await ada.goto("/");
    await item.getByRole("link").first().click();
    await ada.getByText("Details").click();
    await ada.getByRole("button", { name: "Show it to everybody here" }).click();
    await expect(ada.getByText("Only you see this book")).toHaveCount(0);
    await max.reload();
    await expect(max.getByRole("listitem").filter({ hasText: "My diary" })).toBeVisible();
  });
});
