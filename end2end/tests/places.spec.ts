import type { Page } from "@playwright/test";
import { epub, novel } from "../support/books";
import { expect, test } from "../support/test";

/** Where the server has the reader, as "chapter sentence". */
const place = async (page: Page, id: string): Promise<string> => {
  const at = await (await page.request.get(`/api/books/${id}/progress`)).json();
  return at ? `${at.chapter} ${at.sentence}` : "";
};

/** What this browser could not tell the server: a place, when the last known one was taken, and when this one. */
const keepPending = (page: Page, id: string, at: string, knownMs: number, takenMs: number) =>
  page.evaluate(([id, written]) => localStorage.setItem(`earmark.place.${id}`, written!), [id, `${at} ${knownMs} ${takenMs}`]);

test("a place that was read without a connection counts, whichever link opens the book", async ({ library, reader, page }, info) => {
  const title = `Pending ${info.project.name}`;
  const id = await library.import(title, novel(title));
  const put = await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 10, device: "this" } });
  const known = (await put.json()).at_ms as number;
  await page.goto("/");
  await keepPending(page, id, "2 1", known, known + 60_000);
  await page.goto(`/read/${id}/1#s10`);
  await reader.isLive();
  await expect(page).toHaveURL(`/read/${id}/2`);
  await expect.poll(() => place(page, id)).toBe("2 1");
  // It has been told, and does not come back.
  await page.goto("/");
  expect(await page.evaluate((id) => localStorage.getItem(`earmark.place.${id}`), id)).toBe("");
});

test("a place that was read without a connection gives way to a later one of another device", async ({ library, reader, page }, info) => {
  const title = `Late ${info.project.name}`;
  const id = await library.import(title, novel(title));
  const put = await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 60, device: "another" } });
  const known = (await put.json()).at_ms as number;
  await page.goto("/");
  await keepPending(page, id, "2 1", known - 120_000, known - 60_000);
  await page.goto(`/read/${id}/1#s60`);
  await reader.isLive();
  await expect.poll(() => page.evaluate((id) => localStorage.getItem(`earmark.place.${id}`), id)).toBe("");
  await expect(page).toHaveURL(`/read/${id}/1#s60`);
  expect(await place(page, id)).toBe("1 60");
});

// That the server has another place in the meantime is an answer here, and no fault.
const asking = test.extend({ page: async ({ context }, use) => use(await context.newPage()) });

asking("whoever read without a connection while another device moved is asked", async ({ library, reader, page }, info) => {
  const title = `Both ${info.project.name}`;
  const id = await library.import(title, novel(title));
  const put = await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 60, device: "another" } });
  const known = (await put.json()).at_ms as number;
  await page.goto("/");
  await keepPending(page, id, "2 1", known - 120_000, known + 60_000);
  await page.goto(`/read/${id}/1`);
  await reader.isLive();
  await expect(page.locator(".player-state")).toHaveText("Another device is in chapter 1.");
  expect(await place(page, id)).toBe("1 60");
});

test("a tab that was only open does not overwrite what another has saved", async ({ library, reader, page, context }, info) => {
  const title = `Tabs ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 3 } });
  await reader.open(id, 1);
  const device = await page.evaluate(() => localStorage.getItem("earmark.device"));
  // What the other tab of this browser saves.
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 2, sentence: 1, device } });
  const told: string[] = [];
  context.on("request", (request) => {
    if (request.method() === "PUT") told.push(request.url());
  });
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event("pagehide"));
  });
  await page.goto("about:blank");
  expect(told).toEqual([]);
  expect(await place(page, id)).toBe("2 1");
});

test("going back from a note in another chapter leads to where one was", async ({ library, reader, page }, info) => {
  const title = `Back ${info.project.name}`;
  const filler = Array.from({ length: 40 }, (_, n) => `<p>Paragraph ${n + 1} is here. It has two sentences.</p>`).join("");
  const text = `${filler}<p id="marked">It is said elsewhere.<a href="c2.xhtml#n1"><sup>1</sup></a> So it is.</p>${filler}`;
  const id = await library.import(
    title,
    epub(title, [
      { title: "The Text", body: `<h1>The Text</h1>${text}` },
      { title: "The Notes", body: `<h1>The Notes</h1><p id="n1">This is the note.</p>` },
    ]),
  );
  await reader.open(id, 1);
  const link = page.locator("#reading article a", { hasText: "1" });
  await link.scrollIntoViewIfNeeded();
  // As a reader would, who scrolls there.
  await page.mouse.move(180, 300);
  await page.mouse.wheel(0, 40);
  await expect.poll(() => place(page, id)).toMatch(/^1 [1-9]/);
  await link.click();
  await expect(page).toHaveURL(new RegExp(`/read/${id}/2#`));
  await expect.poll(() => place(page, id)).toMatch(/^2 /);
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(`/read/${id}/1#s[1-9]`));
  await expect(link).toBeInViewport();
  // That is where the reader is, and where the voice would begin.
  await expect.poll(() => place(page, id)).toMatch(/^1 [1-9]\d/);
  await reader.startPlaying();
  expect(new URL(page.url()).pathname).toBe(`/read/${id}/1`);
});

test("arrows make a selection larger, and do not change the chapter", async ({ library, reader, page, isMobile }, info) => {
  test.skip(isMobile, "there is no keyboard");
  const title = `Select ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await reader.open(id, 1);
  await reader.select(2, 0, 5);
  await page.keyboard.press("Shift+ArrowRight");
  await expect(page).toHaveURL(`/read/${id}/1`);
  await page.evaluate(() => getSelection()!.removeAllRanges());
  await page.keyboard.press("Shift+ArrowRight");
  await expect(page).toHaveURL(`/read/${id}/2`);
});
