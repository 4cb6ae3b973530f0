import { epub, handbook, novel } from "../support/books";
import { expect, test } from "../support/test";

test("what is set on the settings page shows in its preview", async ({ page }) => {
  await page.goto("/settings");
  const preview = page.getByRole("figure", { name: "Preview" });
  await expect(page.locator("html")).toHaveAttribute("data-panels", "live");
  const look = () =>
    preview.locator("p").first().evaluate((text) => {
      const { fontSize, fontFamily, textAlign } = getComputedStyle(text);
      return { size: parseFloat(fontSize), face: fontFamily.split(",")[0], align: textAlign };
    });
  const before = await look();
  await page.getByRole("slider", { name: "Size" }).fill("8");
  await page.getByRole("radio", { name: "Legible" }).check();
  await page.getByRole("radio", { name: "Justified" }).check();
  await expect.poll(look).toEqual({ size: expect.any(Number), face: expect.stringContaining("Atkinson"), align: "justify" });
  expect((await look()).size).toBeGreaterThan(before.size);
  // How paragraphs are told apart shows at the second.
  const indent = () => preview.locator("p").nth(1).evaluate((text) => parseFloat(getComputedStyle(text).textIndent));
  await page.getByRole("radio", { name: "Spaced" }).check();
  await expect.poll(indent).toBe(0);
  await page.getByRole("radio", { name: "Indented" }).check();
  await expect.poll(indent).toBeGreaterThan(15);
  // It stays in view while what is further down is set.
  await expect(preview).toBeInViewport();
});

test("preferences show at once and are there on the next visit", async ({ library, reader, page }, info) => {
  const id = await library.import(`Looks ${info.project.name}`, novel(`Looks ${info.project.name}`));
  await reader.open(id, 1);
  const text = page.locator("#reading article");
  const before = await text.evaluate((element) => parseFloat(getComputedStyle(element).fontSize));
  const panel = await reader.openPanel("Appearance");
  await panel.getByRole("radio", { name: "Sepia" }).check();
  await expect(page.locator("body")).toHaveCSS("background-color", "rgba(0, 0, 0, 0)");
  await expect(page.locator("html")).toHaveCSS("background-color", "rgb(244, 232, 208)");
  await panel.getByLabel("Size").fill("8");
  await panel.getByRole("radio", { name: "Legible" }).check();
  await panel.getByRole("radio", { name: "Justified" }).check();
  expect(await text.evaluate((element) => parseFloat(getComputedStyle(element).fontSize))).toBeGreaterThan(before * 1.5);
  await expect(text.locator("p").first()).toHaveCSS("text-align", "justify");
  await panel.getByRole("radio", { name: "Indented" }).check();
  const paragraph = (nth: number) =>
    text.locator("p").nth(nth).evaluate((element) => [parseFloat(getComputedStyle(element).textIndent), parseFloat(getComputedStyle(element).marginBottom)]);
  // The first one stands flush, and nothing but the line is between them.
  expect(await paragraph(0)).toEqual([0, 0]);
  expect((await paragraph(1))[0]).toBeGreaterThan(15);
  await expect.poll(async () => (await (await page.request.get("/api/preferences")).json()).align).toBe("justify");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "sepia");
  await expect(text).toHaveCSS("font-family", /^"Atkinson Hyperlegible"/);
  await page.waitForFunction(() => document.fonts.check('16px "Atkinson Hyperlegible"'));
});

test("a book looks as it is set, also where lines are flush at both edges", async ({ library, reader, page }, info) => {
  const name = `Set ${info.project.name}`;
  const body = `<style>p { margin: 0; text-indent: 1.2em } h1 + p { text-indent: 0 } .sc { font-variant: small-caps }</style>
    <h1 style="text-align: center">One</h1><p>First of all.</p><p>Then <span class="sc">another</span>.</p>
    <p style="text-align: center">In the middle.</p><div style="text-align: right"><p>At the end.</p></div>`;
  const id = await library.import(name, epub(name, [{ title: "One", body }]));
  for (const align of ["start", "justify"]) {
    await page.request.post("/settings", { form: { align } });
    await reader.open(id, 1);
    const text = page.locator("#reading article");
    await expect(text.locator("h1")).toHaveCSS("text-align", "center");
    const paragraph = (nth: number) => text.locator("p").nth(nth);
    await expect(paragraph(0)).toHaveCSS("text-indent", "0px");
    expect(await paragraph(1).evaluate((element) => parseFloat(getComputedStyle(element).textIndent))).toBeGreaterThan(15);
    await expect(paragraph(0)).toHaveCSS("margin-bottom", "0px");
    await expect(paragraph(1)).toHaveCSS("text-align", align);
    await expect(text.locator("p span", { hasText: "another" }).last()).toHaveCSS("font-variant-caps", "small-caps");
    await expect(paragraph(2)).toHaveCSS("text-align", "center");
    await expect(paragraph(3)).toHaveCSS("text-align", "right");
  }
});

test("a typeface of one's own device is taken by its name", async ({ library, reader, page }, info) => {
  const id = await library.import(`Own ${info.project.name}`, novel(`Own ${info.project.name}`));
  await page.goto("/settings");
  await expect(page.locator("[data-panels]")).toBeAttached();
  const name = page.getByLabel("Name of a typeface on your device");
  await expect(name).toBeHidden();
  await page.getByRole("group", { name: "Typeface" }).getByLabel("My own").check();
  const kept = page.waitForResponse((answer) => answer.request().method() === "POST" && (answer.request().postData() ?? "").includes("own_face"));
  await name.fill("DejaVu Sans Mono");
  await name.blur();
  expect((await kept).status()).toBe(204);
  await expect(page.locator(".preview .text")).toHaveCSS("font-family", /^"DejaVu Sans Mono"/);
  // The first paint has it: the page says so itself.
  await reader.open(id, 1);
  await expect(page.locator("#reading .text")).toHaveCSS("font-family", /^"DejaVu Sans Mono", Literata/);
  // What would end the name is no name of a typeface.
  const refused = await page.request.post("/settings", { form: { own_face: 'x" } * { color: red' } });
  expect(refused.status()).toBe(400);
});

test("pages stay where they are when the bar unfolds", async ({ library, reader, page, isMobile }, info) => {
  test.skip(!isMobile, "the bar folds on phones");
  const id = await library.import(`Fold ${info.project.name}`, novel(`Fold ${info.project.name}`));
  await page.request.post("/settings", { form: { layout: "paged" } });
  await reader.open(id, 1);
  await page.goto(`/read/${id}/1#s60`);
  await reader.isLive();
  const fold = page.locator(".fold");
  for (const isOpen of ["false", "true", "false"]) {
    await fold.click();
    await expect(fold).toHaveAttribute("aria-expanded", isOpen);
    await expect.poll(() =>
      reader.sentence(60).evaluate((element) => {
        const rect = element.getClientRects()[0]!;
        return rect.left >= 0 && rect.left < innerWidth;
      }),
    ).toBe(true);
  }
});

test("pages are turned, also by the voice", async ({ library, reader, page, isMobile }, info) => {
  const id = await library.import(`Pages ${info.project.name}`, novel(`Pages ${info.project.name}`));
  await page.request.post("/settings", { form: { layout: "paged", rate: "300", size: "7" } });
  await reader.open(id, 1);
  const sheet = page.locator(".sheet");
  const offset = () => sheet.evaluate((element) => Math.round(element.scrollLeft));
  const visible = (sentence: number) =>
    reader.sentence(sentence).evaluate((element) => {
      const rect = element.getClientRects()[0]!;
      return rect.left >= 0 && rect.left < innerWidth;
    });
  expect(await offset()).toBe(0);
  if (isMobile) {
    await page.evaluate(() => {
      const at = (x: number) => [new Touch({ identifier: 1, target: document.querySelector("#reading")!, clientX: x, clientY: 300 })];
      const fire = (name: string, x: number) =>
        document.querySelector("#reading")!.dispatchEvent(new TouchEvent(name, { bubbles: true, changedTouches: at(x) }));
      fire("touchstart", 300);
      fire("touchend", 100);
    });
  } else {
    await page.keyboard.press("PageDown");
  }
  // The page slides; it has been turned when it stands.
  let before = -1;
  await expect.poll(async () => {
    const [last, now] = [before, await offset()];
    before = now;
    return now > 200 && now === last;
  }).toBe(true);
  const pitch = await offset();
  // The voice takes the page along: from the last sentence of a page onto the next.
  const last = await page.evaluate(() => {
    const spans = [...document.querySelectorAll<HTMLElement>("#reading [id^=s][data-s]")];
    const inView = spans.filter((span) => {
      const rect = span.getClientRects()[0]!;
      return rect.left >= 0 && rect.left < innerWidth;
    });
    return Number(inView.at(-1)!.dataset.s);
  });
  await reader.sentence(last).click();
  await reader.isPlaying();
  await expect.poll(() => visible(last + 2), { timeout: 20_000 }).toBe(true);
  await expect.poll(async () => (await offset()) % pitch).toBe(0);
  // Pages end where the chapter does, and the next one begins.
  await reader.play.click();
  await sheet.evaluate((element) => element.scrollTo(element.scrollWidth, 0));
  await page.locator(".page-on").evaluate((button: HTMLElement) => button.click());
  await expect(page).toHaveURL(`/read/${id}/2`);
});

test("contents, search and a part of the book lead into it without leaving the page", async ({ library, reader, page }, info) => {
  const id = await library.import(`Ways ${info.project.name}`, handbook(`Ways ${info.project.name}`));
  await reader.open(id, 1);
  await page.evaluate(() => Object.assign(window, { same: true }));
  let panel = await reader.openPanel("Search");
  await panel.getByRole("searchbox").fill("CAFE");
  await panel.getByRole("searchbox").press("Enter");
  await expect(panel.locator(".hit")).toHaveCount(2);
  await expect(panel.locator("mark").nth(1)).toHaveText("café");
  await panel.locator(".hit").nth(1).click();
  await expect(page).toHaveURL(new RegExp(`/read/${id}/2#s\\d+$`));
  await expect(panel).toBeHidden();
  panel = await reader.openPanel("Contents");
  await panel.getByRole("link", { name: "Of Notes" }).click();
  await expect(page).toHaveURL(`/read/${id}/1`);
  panel = await reader.openPanel("Contents");
  await panel.getByRole("spinbutton").fill("100");
  await panel.getByRole("button", { name: "Go" }).click();
  await expect(page).toHaveURL(new RegExp(`/read/${id}/2#s\\d+$`));
  expect(await page.evaluate(() => (window as never as { same: boolean }).same)).toBe(true);
});

test("notes and tables are passed over, and dimmed, as a reader chooses", async ({ library, reader, page }, info) => {
  const id = await library.import(`Skip ${info.project.name}`, handbook(`Skip ${info.project.name}`));
  await reader.open(id, 1);
  const note = page.locator('[data-part="note"]').first();
  const colour = () => note.evaluate((element) => getComputedStyle(element).color);
  const read = await colour();
  const panel = await reader.openPanel("Appearance");
  const saved = page.waitForResponse((response) => response.url().endsWith("/settings"));
  const notes = panel.getByRole("group", { name: "Footnotes and endnotes" });
  await notes.getByLabel("Not at all").check();
  await saved;
  expect(await colour()).not.toBe(read);
  await reader.closePanel();
  const stream = page.waitForRequest((request) => request.url().includes(`/listen/${id}/1.mp3`));
  await reader.startPlaying();
  expect((await stream).url()).toContain("&skip=notes,pictures,sites&");
  const outline = async (skip: string): Promise<number[]> =>
    (await (await page.request.get(`/api/books/${id}/chapters/1/outline${skip}`)).json()).durations_ms;
  const sentence = Number(await note.getAttribute("data-s"));
  // It is the last of its chapter, and what stays is the rest before the next.
  expect((await outline(""))[sentence]).toBeLessThan((await outline("?skip="))[sentence]! - 500);
});

test("a book is read by rules of its own, and its text shows them", async ({ library, reader, page }, info) => {
  const title = `Ruled ${info.project.name}`;
  const table = "<table><tr><th>Country</th><th>Capital</th></tr><tr><td>Peru</td><td>Lima</td></tr></table>";
  const body = `<h1>One</h1><p>It was told (Smith 1999) at https://example.org long ago.</p>${table}<p>The end.</p>`;
  const id = await library.import(title, epub(title, [{ title: "One", body }]));
  const other = await library.import(`${title} not`, epub(`${title} not`, [{ title: "One", body }]));
  await page.goto(`/book/${id}`);
  await page.getByText("Details", { exact: true }).click();
  await page.getByText("What is read of this book").click();
  await page.getByLabel("Tables").selectOption({ label: "Each cell with the heading of its column" });
  await page.getByLabel("References such as").selectOption({ label: "Not read" });
  await page.locator("form", { has: page.getByLabel("Tables") }).getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL(`/book/${id}`);

  const citation = page.locator('[data-part="citation"]');
  const colours = async () => {
    const both = [citation, page.locator("#reading article p").first()];
    return Promise.all(both.map((one) => one.evaluate((element) => getComputedStyle(element).color)));
  };
  await reader.open(id, 1);
  await expect(citation).toHaveText("(Smith 1999)");
  const [dimmed, plain] = await colours();
  expect(dimmed).not.toBe(plain);
  const stream = page.waitForRequest((request) => request.url().includes(`/listen/${id}/1.mp3`));
  await reader.startPlaying();
  expect((await stream).url()).toContain("&skip=pictures,citations,table-headings,sites&");
  // What is changed beside the text is the book's own rule.
  const panel = await reader.openPanel("Appearance");
  const saved = page.waitForRequest((request) => request.url().endsWith("/settings") && request.method() === "POST");
  await panel.getByRole("group", { name: "Tables" }).getByLabel("Not at all").check();
  expect((await saved).postData()).toBe(`tables_${id}=off`);
  await reader.closePanel();
  await reader.open(other, 1);
  const [read, text] = await colours();
  expect(read).toBe(text);
});

test("a note is read at its number, and the sentence that has it stays marked", async ({ library, reader, page }, info) => {
  const title = `Numbers ${info.project.name}`;
  const id = await library.import(title, handbook(title));
  await reader.open(id, 1);
  const panel = await reader.openPanel("Appearance");
  const saved = page.waitForResponse((response) => response.url().endsWith("/settings"));
  const notes = panel.getByRole("group", { name: "Footnotes and endnotes" });
  await notes.getByLabel("At their number in the text").check();
  await saved;
  await reader.closePanel();
  const stream = page.waitForRequest((request) => request.url().includes(`/listen/${id}/1.mp3`));
  await reader.startPlaying();
  expect((await stream).url()).toContain("&skip=pictures,notes-at-number,sites&");
  // The sentence with the number, and how long it takes with its note and without.
  const at = 1;
  const address = `/api/books/${id}/chapters/1/outline`;
  const lasts = async (skip: string): Promise<number> =>
    (await (await page.request.get(`${address}${skip}`)).json()).durations_ms[at];
  await expect.poll(async () => (await lasts("")) - (await lasts("?skip="))).toBeGreaterThan(1_500);
  const spoken = await lasts("?skip=");
  const marked = () => page.locator("[data-s].speaking").first().getAttribute("data-s");
  await expect.poll(marked, { timeout: 15_000 }).toBe(String(at));
  await page.waitForTimeout(spoken + 500);
  expect(await marked()).toBe(String(at));
  await expect.poll(marked, { timeout: 15_000 }).toBe(String(at + 1));
});

test("bookmarks and highlights with notes", async ({ library, reader, page }, info) => {
  const id = await library.import(`Marks ${info.project.name}`, novel(`Marks ${info.project.name}`));
  await reader.open(id, 1);
  await reader.select(1, 0, 11);
  await page.getByRole("toolbar").getByRole("button", { name: "Highlight", exact: true }).click();
  await expect.poll(() => reader.painted("noted-green")).toEqual(["Paragraph 1"]);
  // In another colour, and then in yet another.
  await reader.select(3, 0, 11);
  await page.getByRole("toolbar").getByRole("button", { name: "Highlight: Blue" }).click();
  await expect.poll(() => reader.painted("noted-blue")).toEqual(["Paragraph 2"]);
  const coloured = (await reader.openPanel("Notes")).locator(".note", { hasText: "Paragraph 2" });
  await coloured.getByLabel("Colour").selectOption("pink");
  await coloured.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => reader.painted("noted-pink")).toEqual(["Paragraph 2"]);
  expect(await reader.painted("noted-blue")).toEqual([]);
  await coloured.getByRole("button", { name: "Delete" }).click();
  await reader.closePanel();
  await page.getByRole("button", { name: "Bookmark" }).click();
  await expect(page.locator(".bookmarked")).toHaveCount(1);
  await expect(page.getByRole("button", { name: "Bookmark" })).toHaveAttribute("aria-pressed", "true");
  let panel = await reader.openPanel("Notes");
  await expect(panel.locator(".note")).toHaveCount(2);
  const note = panel.locator(".note", { hasText: "Paragraph 1" }).last();
  await note.getByRole("textbox").fill("Worth a thought.");
  await note.getByRole("button", { name: "Save" }).click();
  await expect(panel.getByText("Export as Markdown")).toBeVisible();
  const markdown = async () => (await page.request.get(`/api/books/${id}/annotations.md`)).text();
  await expect.poll(markdown).toContain("Worth a thought.");
  expect(await markdown()).toContain("> Paragraph 1");
  // Still there after a reload, and gone when removed.
  await page.reload();
  await reader.isLive();
  await expect.poll(() => reader.painted("noted-green")).toEqual(["Paragraph 1"]);
  panel = await reader.openPanel("Notes");
  await panel.locator(".note", { hasText: "Worth a thought." }).getByRole("button", { name: "Delete" }).click();
  await expect(panel.locator(".note")).toHaveCount(1);
  await reader.closePanel();
  await expect.poll(() => reader.painted("noted-green")).toEqual([]);
});

test("a selection is read from, and copied", async ({ library, reader, page, context }, info) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const id = await library.import(`Select ${info.project.name}`, novel(`Select ${info.project.name}`));
  await reader.open(id, 1);
  await reader.select(3, 0, 9);
  await page.getByRole("toolbar").getByRole("button", { name: "Copy" }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("Paragraph");
  await reader.select(5, 0, 9);
  await page.getByRole("toolbar").getByRole("button", { name: "Read from here" }).click();
  await reader.isPlaying();
  await reader.reaches(5);
});

test("a note opens in place, and a picture large", async ({ library, reader, page }, info) => {
  const id = await library.import(`Notes ${info.project.name}`, handbook(`Notes ${info.project.name}`));
  await reader.open(id, 1);
  await page.locator("#reading sup").first().click();
  const panel = page.locator("#panel");
  await expect(panel).toContainText("This is what the note says.");
  await expect(page).toHaveURL(`/read/${id}/1`);
  await reader.closePanel();
  await page.getByRole("img", { name: "A cat" }).click();
  await expect(panel.locator("img")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
});

for (const [language, tag, play, pause, title] of [
  ["Español", "es", "Reproducir", "Pausar", "Biblioteca"],
  ["Deutsch", "de", "Abspielen", "Anhalten", "Bibliothek"],
] as const) {
  test(`the interface speaks ${language}`, async ({ library, reader, page }, info) => {
    const id = await library.import(`${language} ${info.project.name}`, novel(`${language} ${info.project.name}`));
    await reader.open(id, 1);
    const panel = await reader.openPanel("Appearance");
    await panel.getByRole("radio", { name: language }).check();
    await expect(page.locator("html")).toHaveAttribute("lang", tag);
    await reader.isLive();
    await page.getByRole("button", { name: play }).click();
    await expect(page.getByRole("button", { name: pause })).toBeVisible();
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  });
}
