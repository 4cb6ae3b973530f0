import { epub, novel } from "../support/books";
import { SpeechService } from "../support/speech";
import { expect, test } from "../support/test";

/** A book that a service of two voices may read. */
async function served(library: { import(title: string, content: Buffer): Promise<string> }, page: import("@playwright/test").Page, name: string) {
  const service = await SpeechService.start();
  const engine = name.toLowerCase().replaceAll(" ", "-");
  await page.request.post("/api/engines", { form: { name: engine, kind: "openai", url: service.url, key: "sk-test", price: "200" } });
  const body = "<h1>One</h1><p>The first is said. The second is wrong. The third is right. The fourth follows.</p><p>The fifth is the last of them all.</p>";
  const id = await library.import(name, epub(name, [{ title: "One", body }]));
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 1, voice: `${engine}:af_heart` } });
  return { service, engine, id };
}

test("what was heard wrong is said again, by another voice, or passed over", async ({ library, reader, page, isMobile }, info) => {
  const { service, engine, id } = await served(library, page, `Wrong ${info.project.name} said`);
  await reader.open(id, 1);
  await reader.startPlaying();
  await reader.reaches(2, 40_000);
  const panel = page.locator("#panel");
  const heardWrong = async () => {
    if (isMobile) {
      // Folded, as while reading, it is one tap away.
      if ((await reader.player.getAttribute("data-folded")) === null) {
        await reader.player.locator(".fold").click();
      }
      await reader.player.getByRole("button", { name: "Heard wrong?" }).click();
    } else {
      await page.keyboard.press("w");
    }
    await expect(panel.getByRole("heading", { name: "Heard wrong?" })).toBeVisible();
  };
  await heardWrong();
  // The sentence that is spoken is the last that is shown; what it costs to say it again stands on the button.
  const last = panel.locator(".heard-buttons").last();
  const text = (await panel.locator(".heard p[dir]").last().innerText()).trim();
  const before = service.spoken.filter((said) => said === text).length;
  expect(before).toBe(1);
  await last.getByRole("button", { name: /^Say it again, differently \(costs 0\.00\d+\)$/ }).click();
  await expect(panel.getByText("Said again by Heart")).toBeVisible();
  await reader.closePanel();
  // The voice may have gone on meanwhile.
  await page.locator("#reading [data-s]", { hasText: text }).first().click();
  await expect.poll(() => service.spoken.filter((said) => said === text).length, { timeout: 20_000 }).toBe(2);

  // The fifth sentence in another voice, from the menu of selected text.
  await reader.select(5, 0, 9);
  await page.getByRole("toolbar").getByRole("button", { name: "Voice…" }).click();
  await expect(panel.getByRole("heading", { name: "How this is read" })).toBeVisible();
  await expect(panel.locator("blockquote")).toHaveText("The fifth is the last of them all.");
  await panel.getByLabel("Read by").selectOption(`${engine}:bm_george`);
  await panel.getByRole("button", { name: "Read it in this voice" }).click();
  await expect(panel.getByText("Read by George")).toBeVisible();
  await reader.closePanel();
  await expect.poll(() => reader.painted("other-voice")).toEqual(["The fifth is the last of them all."]);
  await expect
    .poll(() => service.spoken.some((said, at) => said.startsWith("The fifth") && service.voices[at] === "bm_george"), { timeout: 20_000 })
    .toBe(true);

  // The fourth is not read at all: it is dimmed, and the voice goes from the third to the fifth.
  await reader.select(4, 0, 9);
  await page.getByRole("toolbar").getByRole("button", { name: "Voice…" }).click();
  await panel.getByRole("button", { name: "Don’t read it" }).click();
  await expect(panel.getByText("Not read", { exact: true })).toBeVisible();
  await expect(panel.getByRole("button", { name: "Don’t read it" })).toHaveCount(0);
  await reader.closePanel();
  await expect.poll(() => reader.painted("unread")).toEqual([expect.stringContaining("The fourth follows.")]);
  const outline = async () => (await (await page.request.get(`/api/books/${id}/chapters/1/outline?voice=${engine}:af_heart`)).json()).durations_ms;
  expect((await outline())[4]).toBe(0);

  // All of it is found, and undone, under Notes.
  await reader.openPanel("Notes");
  await expect(panel.locator(".note-direction")).toHaveCount(3);
  await panel.locator(".note-direction", { hasText: "Not read" }).getByRole("button", { name: "Undo" }).click();
  await expect(panel.locator(".note-direction")).toHaveCount(2);
  await reader.closePanel();
  await expect.poll(() => reader.painted("unread")).toEqual([]);
  expect((await outline())[4]).toBeGreaterThan(300);
  // Tests share a server.
  await page.request.delete(`/api/engines/${engine}`);
  await service.stop();
});

test("pauses are as long as a listener makes them", async ({ library, reader, page }, info) => {
  const id = await library.import(`Rests ${info.project.name}`, novel(`Rests ${info.project.name}`));
  await reader.open(id, 1);
  const panel = await reader.openPanel("Appearance");
  await expect(panel.getByLabel("Between paragraphs")).toBeHidden();
  await panel.getByRole("group", { name: "Pauses" }).getByRole("radio", { name: "My own" }).check();
  await panel.getByLabel("Between paragraphs").fill("9");
  await panel.getByLabel("Between sentences").fill("1");
  await reader.closePanel();
  const stream = page.waitForRequest((request) => request.url().includes(`/listen/${id}/1.mp3`));
  await reader.play.click();
  expect((await stream).url()).toContain("pauses=own-1-9-5-5&");
  await reader.isPlaying();
  // Four times 420 ms after a paragraph, and none between its sentences.
  const timeline = async (pauses: string) =>
    (await (await page.request.get(`/api/books/${id}/chapters/1/timeline?voice=espeak-ng:en-us&pauses=${pauses}`)).json()) as { duration_ms: number }[];
  await expect.poll(async () => (await timeline("normal")).length).toBeGreaterThan(4);
  const [normal, own] = [await timeline("normal"), await timeline("own-1-9-5-5")];
  expect(own[2]!.duration_ms - normal[2]!.duration_ms).toBeGreaterThan(1_200);
  expect(normal[1]!.duration_ms - own[1]!.duration_ms).toBeGreaterThan(100);
  await page.reload();
  await reader.isLive();
  await reader.openPanel("Appearance");
  await expect(panel.getByLabel("Between paragraphs")).toHaveValue("9");
  await panel.getByRole("group", { name: "Pauses" }).getByRole("radio", { name: "Normal" }).check();
  await expect(panel.getByLabel("Between paragraphs")).toBeHidden();
});

test("a book and a language have a speed of their own, and a language a voice", async ({ library, reader, page }, info) => {
  const one = await library.import(`Speed ${info.project.name}`, novel(`Speed ${info.project.name}`));
  const other = await library.import(`Other ${info.project.name}`, novel(`Other ${info.project.name}`));
  await reader.open(one, 1);
  const speed = reader.player.locator(".speed-value");
  const choose = async (rate: string) => page.locator(`#speed [data-do=rate][data-value="${rate}"]`).click();
  const kept = () => page.waitForResponse((response) => response.url().endsWith("/settings") && response.request().method() === "POST");
  await reader.player.locator(".speed").click();
  await page.getByRole("button", { name: "Only in this book" }).click();
  await expect(page.getByRole("button", { name: "Only in this book" })).toHaveAttribute("aria-pressed", "true");
  await choose("150");
  await kept();
  await page.keyboard.press("Escape");
  await expect(speed).toHaveText("1.5×");
  await reader.open(other, 1);
  await expect(speed).toHaveText("1×");
  await reader.player.locator(".speed").click();
  await choose("120");
  await kept();
  await reader.open(one, 1);
  await expect(speed).toHaveText("1.5×");
  await reader.player.locator(".speed").click();
  await page.getByRole("button", { name: "Only in this book" }).click();
  await expect(speed).toHaveText("1.2×");
  // One for the language, which is that of both.
  const ofLanguage = page.getByRole("button", { name: "In every book in this language (en)" });
  await ofLanguage.click();
  await expect(ofLanguage).toHaveAttribute("aria-pressed", "true");
  await choose("80");
  await kept();
  await expect(speed).toHaveText("0.8×");
  await reader.open(other, 1);
  await expect(speed).toHaveText("0.8×");
  await reader.player.locator(".speed").click();
  await ofLanguage.click();
  await kept();
  await expect(speed).toHaveText("1.2×");
  await page.keyboard.press("Escape");
  await reader.open(one, 1);

  // A voice for the book, and then for the language.
  const saved = page.waitForResponse((response) => response.url().endsWith("/progress") && response.request().method() === "PUT");
  await reader.chooseVoice("espeak-ng:en-gb-scotland");
  await saved;
  await reader.open(other, 1);
  await expect(reader.player).not.toHaveAttribute("data-voice", /scotland/);
  await reader.open(one, 1);
  await reader.player.locator(".choice.voice").click();
  const languages = page.getByRole("group", { name: "Other books in this language (en) are read by" });
  const told = kept();
  await languages.getByRole("radio").last().check();
  await told;
  const third = await library.import(`Third ${info.project.name}`, novel(`Third ${info.project.name}`));
  await reader.open(third, 1);
  await expect(reader.player).toHaveAttribute("data-voice", "espeak-ng:en-gb-scotland");
  await page.request.post("/settings", { form: { voice_en: "", rate: "100" } });
});

test("a reader says which chapters are title pages, also without script", async ({ library, browser, baseURL }, info) => {
  const title = `Matter ${info.project.name}`;
  const text = (name: string) => ({ title: name, body: `<p>This is ${name}.</p>` });
  const id = await library.import(title, epub(title, [text("Title Page"), text("Alpha"), text("Beta"), text("Index")]));
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const page = await context.newPage();
  await page.goto(`/book/${id}`);
  await page.getByText("Details", { exact: true }).click();
  const matter = page.locator(".matter");
  await matter.getByText("Title pages, contents, indexes").click();
  await expect(matter.locator("li")).toHaveText([/Title Page · before the text/, /Index · after the text/]);
  await matter.getByLabel("Chapter").selectOption({ label: "3. Beta" });
  await matter.getByLabel("It is").selectOption({ label: "after the text" });
  await matter.getByRole("button", { name: "Save" }).click();
  await page.getByText("Details", { exact: true }).click();
  await matter.getByText("Title pages, contents, indexes").click();
  await expect(matter.locator("li")).toHaveText([/Title Page/, /Beta · after the text/, /Index/]);
  // What is read aloud is ticked, and a form sends what is not.
  await page.goto("/settings");
  await page.getByLabel("Title pages, contents, indexes").uncheck();
  await page.getByRole("button", { name: "Save" }).first().click();
  await expect(page.getByLabel("Title pages, contents, indexes")).not.toBeChecked();
  await expect(page.getByLabel("Captions")).toBeChecked();
  const answer = await page.request.get(`/api/preferences`);
  expect((await answer.json()).matter).toBe("off");
  await page.getByLabel("Title pages, contents, indexes").check();
  await page.getByRole("button", { name: "Save" }).first().click();
  await context.close();
});
