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

test("a book is renamed, deleted, and brought back", async ({ library, page }, info) => {
  const title = `Managed ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await page.goto(`/book/${id}`);
  await page.getByText("Details").click();
  await page.getByText("Rename").click();
  await page.getByLabel("Title", { exact: true }).fill(`Renamed ${info.project.name}`);
  await page.getByLabel("Authors").fill("First Author; Second Author");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Renamed ${info.project.name}`);
  await expect(page.locator(".byline")).toHaveText("First Author, Second Author");
  await page.getByText("Details").click();
  await page.getByRole("button", { name: "Delete this book" }).click();
  await expect(page).toHaveURL(`/?deleted=${id}`);
  await expect(library.book(`Renamed ${info.project.name}`)).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(library.book(`Renamed ${info.project.name}`)).toBeVisible();
});

test("the shelf is searched, sorted and filtered, and says where to go on", async ({ library, page }, info) => {
  const name = info.project.name;
  const ids: string[] = [];
  for (const title of [`The Zebra ${name}`, `An Apple ${name}`, `Middle ${name}`]) ids.push(await library.import(title, novel(title)));
  await page.request.put(`/api/books/${ids[1]}/progress`, { data: { chapter: 1, sentence: 40 } });
  await library.open();
  await expect(page.locator(".go-on")).toContainText(`An Apple ${name}`);
  await page.getByRole("searchbox", { name: "Find a book" }).fill(name);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/q=/);
  await library.use();
  await expect(page.locator("[data-panels]")).toBeAttached();
  await page.getByLabel("Sort by").selectOption("title");
  await expect(page).toHaveURL(/sort=title/);
  await library.use();
  await expect(page.locator("[data-panels]")).toBeAttached();
  const titles = await page.locator(".shelf-title").allInnerTexts();
  const own = titles.filter((title) => /Zebra|Apple|Middle/.test(title));
  expect(own).toEqual([`An Apple ${name}`, `Middle ${name}`, `The Zebra ${name}`]);
  await page.getByLabel("Show").selectOption("begun");
  await expect(page).toHaveURL(/show=begun/);
  await expect(library.book(`An Apple ${name}`)).toBeVisible();
  await expect(library.book(`The Zebra ${name}`)).toHaveCount(0);
  // It is so the next time, and where to go on is there again.
  await expect(async () => {
    await library.open();
    await expect(page.getByLabel("Show")).toHaveValue("begun", { timeout: 1_000 });
    await expect(page.getByLabel("Sort by")).toHaveValue("title", { timeout: 1_000 });
  }).toPass();
  await expect(page.locator(".go-on")).toContainText(`An Apple ${name}`);
});

test("several files at once, each with what became of it", async ({ library, page }, info) => {
  const name = info.project.name;
  await library.open();
  const book = (title: string) => ({ name: `${title}.epub`, mimeType: "application/epub+zip", buffer: novel(title) });
  await page.locator('input[type="file"]').setInputFiles([book(`First ${name}`), book(`Second ${name}`)]);
  await expect(library.book(`First ${name}`)).toBeVisible();
  await expect(library.book(`Second ${name}`)).toBeVisible();
});

test.describe("a file that is no book", () => {
  test("is refused with the reason", async ({ server, browser }, info) => {
    // The refusal is an answer with status 422, which the shared page fixture rightly dislikes.
    const page = await browser.newPage({ baseURL: server.url, viewport: info.project.use.viewport });
    await page.goto("/");
    await page.mouse.move(20, 20);
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
  // Another test may have left the shelf with a part of its books.
  await page.request.post("/settings", { form: { shelf_show: "all", shelf_sort: "recent" } });
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

test("the scripts start on a machine that is never idle", async ({ library, page }) => {
  await page.addInitScript(() => {
    window.requestIdleCallback = (task, options) => {
      const deadline = { didTimeout: true, timeRemaining: () => 0 };
      return options?.timeout ? window.setTimeout(() => task(deadline), options.timeout) : 0;
    };
  });
  await library.open();
  await page.goto(`/read/${await library.import("Never Idle", novel("Never Idle"))}/1`);
  await expect(page.locator(".player[data-live]")).toBeVisible();
});
