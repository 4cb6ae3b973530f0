import type { Locator } from "@playwright/test";
import { novel } from "../support/books";
import { Server } from "../support/server";
import { expect, test as base } from "../support/test";

// A worker answers for the server here, and being offline is no fault.
const test = base.extend({ page: async ({ context }, use) => use(await context.newPage()) });

test("a book that is kept is read and heard without a connection", async ({ library, reader, page, context }, info) => {
  test.setTimeout(90_000);
  const title = `Kept ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await page.goto(`/book/${id}`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.locator("summary").first().click();
  // What a page says once is not said to pages that nobody looks at.
  const { origin } = new URL(page.url());
  await context.addCookies([{ name: "earmark_notice", value: "Once", url: origin }]);
  await page.getByRole("button", { name: "Keep on this device" }).click();
  await expect(page.locator(".keep .hint")).toHaveText(/^Kept: \d+\.\d MB$/, { timeout: 60_000 });
  expect((await context.cookies()).map((cookie) => cookie.name)).toContain("earmark_notice");
  await context.clearCookies({ name: "earmark_notice" });

  await context.setOffline(true);
  await page.goto(`/read/${id}/1`);
  await reader.isLive();
  await expect(page.locator(".player-state")).toContainText("You are offline");
  await reader.sentence(75).click();
  await reader.isPlaying();
  await reader.reaches(77);
  // The clock is where the kept timeline says, and the voice walks into the next chapter.
  await expect(page).toHaveURL(`/read/${id}/2`, { timeout: 30_000 });
  await reader.reaches(1);
  // The app opens; what is not kept says so, and leads to what is.
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Library");
  await page.goto("/read/0123456789abcdef/1");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are offline");
  await page.getByRole("link", { name: title }).click();
  await expect(page.locator("#reading")).toBeVisible();

  // So is how long they have listened, until it can be told.
  const listened = () => page.evaluate(() => localStorage.getItem("earmark.time"));
  await expect.poll(listened).toMatch(/^\d{4}-\d\d-\d\d \d+ [1-9]\d*\n$/);
  // Where the reader has been meanwhile is kept, and told when there is somebody to tell. The chapter is
  // short: the voice may have left it.
  await expect.poll(() => page.evaluate((id) => localStorage.getItem(`earmark.place.${id}`), id)).toMatch(/^[23] /);
  await context.setOffline(false);
  await expect.poll(async () => (await (await page.request.get(`/api/books/${id}/progress`)).json())?.chapter).toBeGreaterThan(1);
  await page.goto(`/read/${id}/1`);
  await expect.poll(async () => (await (await page.request.get("/api/statistics")).json()).listened_s).toBeGreaterThan(0);
  expect(await listened()).toBe("");
  await page.goto(`/book/${id}`);
  await page.locator("summary").first().click();
  // What is kept of a file goes with that file alone: read anew, its sentences are others.
  expect((await page.request.post(`/api/books/${id}/reimport`)).ok()).toBe(true);
  await page.goto(`/book/${id}`);
  await page.locator("summary").first().click();
  await expect(page.locator(".keep .hint")).toContainText("was read anew");
  const kept = (path: string) => page.evaluate(([name, path]) => caches.open(name!).then((cache) => cache.match(path!)).then(Boolean), [`book-${id}`, path]);
  expect(await kept(`/listen/${id}/1.mp3`)).toBe(true);
  await page.getByRole("button", { name: "Keep on this device" }).click();
  await expect.poll(() => kept(`/books/${id}/revision/1`)).toBe(true);
  await expect(page.locator(".keep .hint")).toHaveText(/^Kept: \d+\.\d MB$/, { timeout: 60_000 });
  expect(await kept(`/books/${id}/revision/0`)).toBe(false);
  await page.getByRole("button", { name: "Remove from this device" }).click();
  await expect(page.getByRole("button", { name: "Keep on this device" })).toBeVisible();
  expect(await page.evaluate((id) => caches.has(`book-${id}`), id)).toBe(false);
});

test("a note that cannot be sent stays where it was written", async ({ library, reader, page, context }, info) => {
  const title = `Unsent ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await page.request.post(`/api/books/${id}/annotations`, {
    data: { kind: "bookmark", chapter: 1, start: { sentence: 1, offset: 0 }, end: { sentence: 1, offset: 0 }, quote: "Here" },
  });
  await reader.open(id, 1);
  const panel = await reader.openPanel("Notes");
  await panel.getByRole("textbox").fill("Too good to lose.");
  await context.setOffline(true);
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(panel.getByRole("alert")).toBeVisible();
  await expect(panel.getByRole("textbox")).toHaveValue("Too good to lose.");
  await context.setOffline(false);
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(panel.getByRole("alert")).toBeHidden();
  const [kept] = await (await page.request.get(`/api/books/${id}/annotations`)).json();
  expect(kept.note).toBe("Too good to lose.");
});

test("a note that is refused stays where it was written, with the reason, and so do others", async ({ library, reader, page }, info) => {
  const title = `Refused ${info.project.name}`;
  const id = await library.import(title, novel(title));
  const mark = async (sentence: number): Promise<string> => {
    const point = { sentence, offset: 0 };
    const data = { kind: "bookmark", chapter: 1, start: point, end: point, quote: `Here ${sentence}` };
    return (await (await page.request.post(`/api/books/${id}/annotations`, { data })).json()).id;
  };
  const [first] = [await mark(1), await mark(2)];
  await reader.open(id, 1);
  const panel = await reader.openPanel("Notes");
  const notes = panel.getByRole("textbox");
  await notes.nth(0).fill("Not sent yet.");
  await notes.nth(1).fill("Kept.");
  await panel.getByRole("button", { name: "Save" }).nth(1).click();
  await expect.poll(async () => (await (await page.request.get(`/api/books/${id}/annotations`)).json())[1].note).toBe("Kept.");
  await expect(panel.getByRole("button", { name: "Save" }).nth(1)).toBeFocused();
  await expect(notes.nth(0)).toHaveValue("Not sent yet.");
  await page.request.delete(`/api/books/${id}/annotations/${first}`);
  await panel.getByRole("button", { name: "Save" }).nth(0).click();
  const why = panel.getByRole("alert");
  await expect(why).toBeVisible();
  await expect(why).not.toHaveText("Something went wrong");
  await expect(notes.nth(0)).toHaveValue("Not sent yet.");
});

test("the app can be installed", async ({ page, request }) => {
  await page.goto("/");
  const href = await page.locator('link[rel="manifest"]').getAttribute("href");
  const manifest = await (await request.get(href!)).json();
  expect(manifest).toMatchObject({ name: "Earmark", display: "standalone", start_url: "./" });
  for (const icon of manifest.icons) expect((await request.get(new URL(icon.src, new URL(href!, page.url())).href)).headers()["content-type"]).toBe("image/png");
});

test("what one person keeps on a device is gone when another logs in there", async ({ browser }, info) => {
  test.skip(info.project.name !== "desktop", "it is not about the size");
  test.setTimeout(90_000);
  const server = await Server.start();
  try {
    const page = await (await browser.newContext({ baseURL: server.url })).newPage();
    const fill = async (form: Locator, name: string) => {
      await form.getByLabel("Name").fill(name);
      await form.getByLabel("Password").fill("a long enough one");
    };
    const logIn = async (name: string) => {
      await fill(page.locator("form"), name);
      await page.getByRole("button", { name: "Log in" }).click();
    };
    await page.goto("/people");
    await fill(page.locator("form"), "Ada");
    await page.getByRole("button", { name: "Have people log in" }).click();
    await logIn("Ada");
    const adding = page.locator("form", { hasText: "Add somebody" });
    await fill(adding, "Max");
    await adding.getByRole("button").click();
    await expect(page.getByRole("listitem").filter({ hasText: "Max" })).toBeVisible();
    const id = await page.request.get("/api/books").then(async (answer) => (await answer.json())[0].id);
    await page.goto(`/book/${id}`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.locator("summary").first().click();
    await page.getByRole("button", { name: "Keep on this device" }).click();
    await expect(page.locator(".keep .hint")).toHaveText(/^Kept: /, { timeout: 60_000 });
    const kept = () => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("book-")).length);
    expect(await kept()).toBe(1);
    // Her session ends, and he comes.
    await page.context().clearCookies({ name: "earmark" });
    await page.goto(`/book/${id}`);
    await logIn("Max");
    await expect(page).toHaveURL(`/book/${id}`);
    await expect.poll(kept).toBe(0);
  } finally {
    await server.stop();
  }
});
