import { expect, test } from "../support/test";
import { Server } from "../support/server";
import { epub } from "../support/books";

// A server of its own: what goes on there is this test's alone.
test.describe("what goes on", () => {
  let server: Server;
  test.beforeAll(async () => {
    server = await Server.start();
  });
  test.afterAll(() => server.stop());

  test("is seen by whoever runs the place, without being asked for anew", async ({ browser }, info) => {
    const { viewport, isMobile, hasTouch, userAgent } = info.project.use;
    const context = await browser.newContext({ viewport, isMobile, hasTouch, userAgent, baseURL: server.url });
    const page = await context.newPage();
    await page.goto("/settings");
    await page.getByRole("link", { name: "What goes on" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("What goes on");
    await expect(page.getByRole("img", { name: /^Sentences that waited/ })).toBeVisible();
    await expect(page.getByRole("region", { name: "By voice" })).toBeHidden();

    const body = "<p>Something is heard.</p><p>And more.</p>";
    const added = await page.request.post("/api/books", {
      multipart: { file: { name: "a.epub", mimeType: "application/epub+zip", buffer: epub("Heard", [{ title: "One", body }]) } },
    });
    const { id } = await added.json();
    for (let n = 0; n < 2; n++) await page.request.get(`/listen/${id}/1.mp3?to=chapter`);
    const row = page.getByRole("region", { name: "By book" }).getByRole("row", { name: /^Heard/ });
    await expect(row).toContainText("50 %", { timeout: 15_000 });

    // Nothing is wider than the page.
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wider).toBe(0);
    await context.close();
  });
});
