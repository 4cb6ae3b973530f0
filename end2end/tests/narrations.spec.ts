import { readFileSync } from "node:fs";
import { expect, test } from "../support/test";
import { Server } from "../support/server";
import { epub } from "../support/books";
import { Reader } from "../pages/reader";

const SENTENCES = 30;
const paragraphs = (chapter: number) =>
  Array.from({ length: SENTENCES }, (_, n) => `<p>Chapter ${chapter} has a sentence with the number ${n}.</p>`).join("");

// A server of its own: what it makes ready is seen on its library page.
test.describe("a whole book", () => {
  let server: Server;
  test.beforeAll(async () => {
    server = await Server.start();
  });
  test.afterAll(() => server.stop());

  test("is made ready, heard meanwhile, and taken away", async ({ browser }, info) => {
    const { viewport, isMobile, hasTouch, userAgent } = info.project.use;
    const context = await browser.newContext({ viewport, isMobile, hasTouch, userAgent, baseURL: server.url });
    const page = await context.newPage();
    const chapters = [1, 2, 3].map((n) => ({ title: `Part ${n}`, body: paragraphs(n) }));
    await page.request.post("/api/books", {
      multipart: { file: { name: "ready.epub", mimeType: "application/epub+zip", buffer: epub("Ready", chapters) } },
    });
    await page.goto("/");
    await page.getByRole("listitem").filter({ hasText: "Ready" }).getByRole("link").first().click();
    await page.getByText("Details").click();
    await page.getByRole("link", { name: "Make the book ready" }).click();

    // What it takes is said before it begins.
    await expect(page.getByText(`${3 * SENTENCES} of ${3 * SENTENCES} sentences are to be made.`)).toBeVisible();
    await expect(page.getByText("It costs nothing.")).toBeVisible();
    await page.getByLabel("Chapters", { exact: true }).fill("9-2");
    await page.getByRole("button", { name: "See what it takes" }).click();
    await expect(page.getByRole("alert")).toHaveText("The book has the chapters 1 to 3.");
    await page.getByLabel("Chapters", { exact: true }).fill("");
    await page.getByRole("button", { name: "See what it takes" }).click();
    await page.getByLabel("File").selectOption("mp3");
    await page.getByRole("button", { name: "Make it ready" }).click();

    // It is watched without being asked for anew, and heard meanwhile.
    await expect(page).toHaveURL(/\/narrations$/);
    const card = page.getByRole("region", { name: "Ready" });
    await expect(card.getByText("being made")).toBeVisible();
    await expect
      .poll(async () => Number(await card.locator("progress").getAttribute("value").catch(() => "100")), { timeout: 20_000 })
      .toBeGreaterThan(5);
    const listening = await context.newPage();
    const book = await page.request.get("/api/books").then(async (answer) => (await answer.json())[0].id);
    await listening.goto(`/read/${book}/3`);
    const reader = new Reader(listening);
    await reader.isLive();
    await reader.startPlaying();
    await listening.close();

    // It is taken away as a file.
    const link = card.getByRole("link", { name: /^Download MP3/ });
    await expect(link).toBeVisible({ timeout: 60_000 });
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    expect(download.suggestedFilename()).toBe("Ready.mp3");
    expect(readFileSync(await download.path()).subarray(0, 3).toString()).toBe("ID3");
    await page.goto("/");
    await expect(page.getByText("“Ready” is ready to be heard.")).toBeVisible();

    // Another form of it needs nothing to be spoken.
    await page.request.post("/api/narrations", { data: { book, chapters: "1", output: "zip" } });
    await page.goto("/narrations");
    await expect(page.getByRole("region", { name: "Ready" }).first().getByRole("link", { name: /^Download ZIP/ })).toBeVisible({ timeout: 20_000 });

    // A podcast app gets an address.
    await page.goto(`/book/${book}`);
    await page.getByText("Details").click();
    await page.getByRole("link", { name: "Take it with you" }).click();
    await expect(page.getByRole("link", { name: /^Download MP3/ })).toBeVisible();
    await expect(page.getByRole("link", { name: "EPUB that reads aloud" })).toHaveAttribute("href", /narration\?voice=.+&output=epub$/);
    await expect(page.getByText(`${server.url}/opds`)).toBeVisible();
    await page.getByRole("button", { name: "Make an address" }).click();
    const address = await page.getByRole("status").locator("code").innerText();
    expect(address).toMatch(/\/feed\/emf_/);
    // A phone reads both addresses with its camera.
    await expect(page.getByRole("img", { name: "In a podcast app" })).toBeVisible();
    await expect(page.getByRole("img", { name: "On your phone" })).toBeVisible();
    const feed = await page.request.get(address);
    expect(await feed.text()).toContain("<itunes:type>serial</itunes:type>");
    await page.goto("/narrations");
    await page.getByRole("button", { name: "Withdraw: Ready" }).click();
    expect((await page.request.get(address)).status()).toBe(404);
    await context.close();
  });
});
