import { novel } from "../support/books";
import { expect, test } from "../support/test";

test("a new library has a book to play", async ({ library, page }) => {
  await library.open();
  await expect(library.book("The Reading Lamp")).toBeVisible();
  await library.book("The Reading Lamp").locator(".shelf-link").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The Reading Lamp");
  await expect(page.locator(".contents li")).toHaveCount(3);
});

test("a book is imported by choosing it, and its contents lead into it", async ({ library, page }, info) => {
  const title = `Chosen ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await library.book(title).locator(".shelf-link").click();
  await page.locator(".contents").getByText("The Short One").click();
  await expect(page).toHaveURL(`/read/${id}/2`);
  await expect(page.locator("#s1")).toHaveText("Short it is.");
});

test("a book is imported by dropping it anywhere", async ({ library }, info) => {
  const title = `Dropped ${info.project.name}`;
  await library.open();
  await library.drop(`${title}.epub`, novel(title));
  await expect(library.book(title)).toBeVisible();
});

test.describe("a file that is no book", () => {
  test("is refused with the reason", async ({ server, browser }, info) => {
    // The refusal is an answer with status 422, which the shared page fixture rightly dislikes.
    const page = await browser.newPage({ baseURL: server.url, viewport: info.project.use.viewport });
    await page.goto("/");
    await expect(page.locator(".import[data-live]")).toBeVisible();
    await page.locator('input[type="file"]').setInputFiles({ name: "paper.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7 paper") });
    await expect(page.locator(".uploads .refused")).toContainText("This is a PDF file");
    await page.getByRole("button", { name: "Dismiss" }).click();
    await expect(page.locator(".uploads")).toBeHidden();
    await page.close();
  });
});

test("without script there are pages to read and a form to import with", async ({ server, browser }) => {
  const page = await browser.newPage({ baseURL: server.url, javaScriptEnabled: false });
  await page.goto("/");
  await page.getByRole("link", { name: /^(Read|Continue) The Reading Lamp/ }).click();
  await expect(page.locator("#reading article")).toContainText("At the corner of Mill Lane");
  await page.locator(".turn .next").click();
  await expect(page).toHaveURL(/\/2$/);
  await page.goto("/");
  const title = "No Script Needed";
  await page.locator('input[type="file"]').setInputFiles({ name: "x.epub", mimeType: "application/epub+zip", buffer: novel(title) });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.locator(".shelf-item", { hasText: title })).toBeVisible();
  await page.close();
});
