import { epub, novel } from "../support/books";
import { expect, test } from "../support/test";

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="300" height="200" fill="teal"/></svg>`;

test("the first key pressed on the library page does what it says", async ({ page, library }) => {
  await page.goto("/");
  await page.keyboard.press("?");
  await expect(page.locator("#panel")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(library.book("The Reading Lamp")).toBeVisible();
});

test("a file dropped as the first thing on the page is imported", async ({ page, library }, info) => {
  const title = `Early ${info.project.name}`;
  await page.goto("/");
  const transfer = await page.evaluateHandle(
    ({ name, bytes }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
      return transfer;
    },
    { name: `${title}.epub`, bytes: novel(title).toString("base64") },
  );
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("body", event, { dataTransfer: transfer });
  await expect(library.book(title)).toBeVisible();
});

test("what was left out of a book is said at once and in its details", async ({ page, library }, info) => {
  const title = `Torn ${info.project.name}`;
  await library.open();
  await library.choose(`${title}.epub`, epub(title, [{ title: "One", body: `<p>Text.</p><p><img src="lost.png" alt="A dog"/></p>` }]));
  await expect(page.locator(".uploads .mended")).toContainText("Some parts were left out or mended");
  await library.open();
  await library.book(title).locator(".shelf-link").click();
  await page.getByText("Details").click();
  await expect(page.locator(".left-out")).toContainText("lost.png");
});

test("the file of a book is downloaded and read again, and the place stays", async ({ page, library, reader }, info) => {
  const title = `Again ${info.project.name}`;
  const file = novel(title);
  const id = await library.import(title, file);
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 2, sentence: 1 } });
  await page.goto(`/book/${id}`);
  await page.getByText("Details").click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the file" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`${title}.epub`);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).equals(file)).toBe(true);
  await page.getByRole("button", { name: "Read the file again" }).click();
  await expect(page).toHaveURL(`/book/${id}`);
  const progress = await (await page.request.get(`/api/books/${id}/progress`)).json();
  expect([progress.chapter, progress.sentence]).toEqual([2, 1]);
  await reader.open(id, 2);
  await expect(page.locator("#s1")).toHaveText("Short it is.");
});

test("a book of pictures is shown, read by what the pictures say, and walked through", async ({ page, library, reader }, info) => {
  const title = `Pictures ${info.project.name}`;
  const pages = ["A fox looks up", "", "The moon is out"].map((alt, index) => ({
    title: `Page ${index + 1}`,
    body: `<div><img src="p${index + 1}.svg" alt="${alt}"/></div>`,
  }));
  const id = await library.import(title, epub(title, pages, { "p1.svg": PICTURE, "p2.svg": PICTURE, "p3.svg": PICTURE }));
  await reader.open(id, 1);
  const picture = page.locator("article img");
  await expect(picture).toHaveJSProperty("complete", true);
  expect(await picture.evaluate((image: HTMLImageElement) => [image.naturalWidth > 0, image.getAttribute("width"), image.getAttribute("height")])).toEqual([true, "300", "200"]);
  await reader.startPlaying();
  // The voice walks on through a page that says nothing.
  await expect(page).toHaveURL(new RegExp(`/read/${id}/3`), { timeout: 30_000 });
});

test("a title is no markup, and the keyboard reaches nothing in a book", async ({ page, library, reader }, info) => {
  const victim = await library.import(`Victim ${info.project.name}`, novel(`Victim ${info.project.name}`));
  const form = `&lt;/title>&lt;form method="post" action="/api/books/${victim}/delete">&lt;button aria-keyshortcuts="Space K" hidden>x&lt;/button>&lt;/form>`;
  const body = `<h1>One</h1><p aria-keyshortcuts="Space K" data-do="play">Text of it. More of it.</p>`;
  // The helper writes titles as they are.
  const id = await page.evaluate(
    async ([bytes, name]) => {
      const form = new FormData();
      form.append("file", new File([Uint8Array.from(atob(bytes!), (c) => c.charCodeAt(0))], name!));
      const answer = await fetch("/api/books", { method: "POST", body: form });
      return (await answer.json()).id as string;
    },
    [epub(`Good ${info.project.name} ${form}`, [{ title: "One", body }]).toString("base64"), "hostile.epub"],
  );
  await page.goto(`/book/${id}`);
  expect(await page.title()).toContain("</title><form");
  await page.keyboard.press("Space");
  await reader.open(id, 1);
  await page.keyboard.press("Space");
  await reader.isPlaying();
  expect((await page.request.get(`/api/books/${victim}`)).status()).toBe(200);
});
