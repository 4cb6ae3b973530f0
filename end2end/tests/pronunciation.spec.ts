import { novel } from "../support/books";
import { expect, test } from "../support/test";

test("a word is corrected by ear, and the voice goes on with it", async ({ library, reader, page }, info) => {
  const id = await library.import(`Said ${info.project.name}`, novel(`Said ${info.project.name}`));
  await reader.open(id, 1);
  const timeline = async () =>
    (await page.request.get(`/api/books/${id}/chapters/1/outline?voice=espeak-ng:en-us`)).json();
  await reader.startPlaying();
  await reader.select(1, 0, 9);
  await page.getByRole("toolbar").getByRole("button", { name: "Say it as…" }).click();
  const panel = page.locator("#panel");
  await expect(panel.getByRole("heading", { name: "Pronunciation" })).toBeVisible();
  await expect(panel.getByLabel("Word", { exact: true })).toHaveValue("Paragraph");
  await expect(panel.getByText("It is in 40 sentences of this book.")).toBeVisible();
  // What is to be written has the focus.
  await expect(panel.getByLabel("Say it as")).toBeFocused();
  await page.keyboard.type("a rather long and quite unusual word");

  const heard = page.waitForResponse((response) => response.url().includes("/pronunciations/sample"));
  await panel.getByRole("button", { name: "Hear it" }).click();
  expect((await heard).headers()["content-type"]).toBe("audio/mpeg");
  expect((await heard).url()).toContain("a+rather+long");
  await expect(panel.getByLabel("Say it as")).toHaveValue("a rather long and quite unusual word");
  // The voice of the book is silent meanwhile.
  await expect(reader.player).not.toHaveAttribute("data-phase", "playing");

  const stream = page.waitForRequest((request) => request.url().includes(`/listen/${id}/1.mp3`));
  await panel.getByRole("button", { name: "Keep" }).click();
  await expect(panel.getByText("In this book · in 40 sentences")).toBeVisible();
  await reader.closePanel();
  await reader.play.click();
  await stream;
  await reader.isPlaying();
  await expect(reader.sentence(1)).toHaveText(/^Paragraph 1 begins here\./);
  // Made again: longer than what was said before.
  const corrected = await timeline();
  await reader.select(1, 0, 9);
  await page.getByRole("toolbar").getByRole("button", { name: "Say it as…" }).click();
  await panel.getByRole("button", { name: "Remove: Paragraph" }).click();
  await expect(panel.getByRole("button", { name: "Remove: Paragraph" })).toHaveCount(0);
  const plain = await timeline();
  expect(corrected.durations_ms[1]).toBeGreaterThan(plain.durations_ms[1] + 700);
});

test("what was heard wrong is one key away", async ({ library, reader, page, isMobile }, info) => {
  const id = await library.import(`Wrong ${info.project.name}`, novel(`Wrong ${info.project.name}`));
  await reader.open(id, 1);
  await reader.startPlaying();
  await expect(reader.sentence(2)).toHaveClass(/speaking/);
  const panel = page.locator("#panel");
  if (isMobile) {
    await reader.player.locator(".choice.voice").click();
    await panel.getByRole("button", { name: "Heard wrong?" }).click();
  } else {
    await page.keyboard.press("w");
  }
  await expect(panel.getByRole("heading", { name: "Heard wrong?" })).toBeVisible();
  await panel.locator(".heard").getByRole("link", { name: "second", exact: true }).click();
  await expect(panel.getByLabel("Word", { exact: true })).toHaveValue("second");
  await expect(panel.getByText("It is in 40 sentences of this book.")).toBeVisible();
});

test("pronunciations are kept without script, and come and go as files", async ({ library, browser, baseURL }, info) => {
  const id = await library.import(`Lists ${info.project.name}`, novel(`Lists ${info.project.name}`));
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const page = await context.newPage();
  await page.goto(`/book/${id}`);
  await page.getByText("Details", { exact: true }).click();
  await page.getByRole("link", { name: "Pronunciation" }).click();
  await page.getByLabel("Word", { exact: true }).fill("Paragraph");
  await page.getByLabel("Say it as").fill("Par");
  await page.locator("form.say-as").first().getByLabel("Use it").selectOption("everywhere");
  await page.getByRole("button", { name: "Keep" }).click();
  await expect(page.getByText("Everywhere · in 40 sentences")).toBeVisible();
  await page.getByLabel("File").setInputFiles({
    name: "words.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("stops = halts\n/(/ = x\n"),
  });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("alert")).toHaveText("2: The pattern cannot be used: unclosed group.");
  await expect(page.getByRole("button", { name: "Remove: stops" })).toBeVisible();
  const pls = await (await page.request.get(`/api/books/${id}/pronunciations.pls`)).text();
  expect(pls).toContain("<grapheme>stops</grapheme><alias>halts</alias>");
  await page.getByRole("button", { name: "Remove: Paragraph" }).click();
  await expect(page.getByRole("button", { name: "Remove: Paragraph" })).toHaveCount(0);
  await context.close();
});
