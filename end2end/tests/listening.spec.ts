import { novel } from "../support/books";
import { expect, test } from "../support/test";

// Chapter 1 of the novel: sentence 0 is its heading, paragraph n has sentences 2n-1 and 2n.

test("the mark is where the timeline says the clock is", async ({ library, reader }, info) => {
  const id = await library.import(`Clock ${info.project.name}`, novel(`Clock ${info.project.name}`));
  await reader.open(id, 1);
  await reader.startPlaying();
  const before = await reader.clock();
  await expect.poll(() => reader.clock()).toBeGreaterThan(before + 500);
  for (let look = 0; look < 8; look++) {
    await reader.page.waitForTimeout(700);
    const { ms, sentence } = await reader.moment();
    const timeline = await reader.timeline(id, 1);
    // The frame that was shown may be one behind the clock that was read.
    const said = [0, 50].map((late) => timeline.findLast((entry) => entry.start_ms <= ms - late)?.sentence);
    expect(said, `at ${ms} ms`).toContain(sentence);
  }
});

test("the page follows the voice, stops when the reader scrolls, and returns", async ({ library, reader, page, isMobile }, info) => {
  const id = await library.import(`Follow ${info.project.name}`, novel(`Follow ${info.project.name}`));
  await reader.open(id, 1);
  await reader.setRate(3);
  await reader.sentence(9).click();
  await reader.isPlaying();
  await expect.poll(() => reader.marked(), { timeout: 30_000 }).toBeGreaterThan(18);
  expect(await reader.isInView((await reader.marked())!)).toBe(true);
  expect(await page.evaluate(() => scrollY)).toBeGreaterThan(0);

  await reader.scrollToTop(isMobile ? "finger" : "wheel");
  await expect(reader.lookBack).toBeVisible();
  const marked = await reader.marked();
  await expect.poll(() => reader.marked(), { timeout: 15_000 }).toBeGreaterThan(marked!);
  expect(await page.evaluate(() => scrollY)).toBe(0);

  await reader.lookBack.click();
  await expect(reader.lookBack).toBeHidden();
  await expect.poll(async () => reader.isInView((await reader.marked())!)).toBe(true);
});

test("a click on a sentence reads from there", async ({ library, reader }, info) => {
  const id = await library.import(`Click ${info.project.name}`, novel(`Click ${info.project.name}`));
  await reader.open(id, 1);
  await reader.sentence(3).click();
  await reader.isPlaying();
  await reader.reaches(3);
  await reader.sentence(6).click();
  await reader.reaches(6);
  await reader.isPlaying();
  await reader.player.getByRole("button", { name: "Previous sentence" }).click();
  await reader.reaches(5);
  await reader.player.getByRole("button", { name: "Next sentence" }).click();
  await reader.reaches(6);
});

test("the voice walks into the next chapter, and the page with it, without a stop", async ({ library, reader, page }, info) => {
  const id = await library.import(`Walk ${info.project.name}`, novel(`Walk ${info.project.name}`));
  await reader.open(id, 1);
  await page.evaluate(() => {
    const audio = document.querySelector("audio")!;
    const stops: string[] = [];
    for (const name of ["pause", "emptied", "ended"]) audio.addEventListener(name, () => stops.push(name));
    Object.assign(window, { stops });
  });
  await reader.sentence(79).click();
  await reader.isPlaying();
  await page.evaluate(() => ((window as never as { stops: string[] }).stops.length = 0));
  await page.waitForURL(`/read/${id}/2`, { timeout: 30_000 });
  await expect(page).toHaveTitle(/^The Short One/);
  await expect(page.locator("#reading article")).toContainText("Short it is.");
  await reader.reaches(1);
  expect(await page.evaluate(() => (window as never as { stops: string[] }).stops)).toEqual([]);
  // And through the last chapter to the end of the book.
  await reader.setRate(3);
  await expect(reader.player).toHaveAttribute("data-phase", "finished", { timeout: 30_000 });
  await expect(page).toHaveURL(`/read/${id}/3`);
});

test("a reload resumes where the voice was", async ({ library, reader, page }, info) => {
  const id = await library.import(`Resume ${info.project.name}`, novel(`Resume ${info.project.name}`));
  await reader.open(id, 1);
  await reader.sentence(41).click();
  await reader.isPlaying();
  await reader.reaches(42);
  await reader.play.click();
  await expect(reader.player).toHaveAttribute("data-phase", "paused");
  const stopped = await reader.marked();
  await expect.poll(async () => (await (await page.request.get(`/api/books/${id}`)).json()).progress?.sentence).toBe(stopped);

  await page.reload();
  await reader.isLive();
  await expect.poll(() => reader.marked()).toBe(stopped);
  await expect.poll(() => reader.isInView(stopped!)).toBe(true);
  await reader.startPlaying();
  expect(await reader.marked()).toBe(stopped);
  // The library leads to the same place.
  await reader.play.click();
  await library.open();
  await library.book(`Resume ${info.project.name}`).getByRole("link", { name: /^Continue/ }).click();
  await expect(page).toHaveURL(new RegExp(`/read/${id}/1#s\\d+$`));
});

test("an address that names a place leads there, below the head", async ({ library, reader, page }, info) => {
  const id = await library.import(`Place ${info.project.name}`, novel(`Place ${info.project.name}`));
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 4 } });
  await page.goto(`/read/${id}/1#s60`);
  await reader.isLive();
  await page.waitForTimeout(500);
  expect(await reader.isInView(60)).toBe(true);
  const top = await reader.sentence(60).evaluate((element) => element.getBoundingClientRect().top);
  expect(top).toBeGreaterThan(await page.locator(".reader-head").evaluate((head) => head.getBoundingClientRect().bottom));
  await expect(reader.sentence(4)).toHaveClass(/speaking/);
});

test("a reader who pauses and turns the page hears the new page", async ({ library, reader, page }, info) => {
  const id = await library.import(`Turn ${info.project.name}`, novel(`Turn ${info.project.name}`));
  await reader.open(id, 1);
  await reader.startPlaying();
  await reader.play.click();
  await expect(reader.player).toHaveAttribute("data-phase", "paused");
  await page.locator(".turn .next").click();
  await expect(page).toHaveURL(`/read/${id}/2`);
  await expect(page.locator("#reading")).toHaveAttribute("data-chapter", "2");
  await reader.startPlaying();
  await reader.reaches(1);
  await expect(page).toHaveURL(`/read/${id}/2`);
});

test("another voice and another speed", async ({ library, reader, page }, info) => {
  const id = await library.import(`Voices ${info.project.name}`, novel(`Voices ${info.project.name}`));
  await reader.open(id, 1);
  await reader.sentence(5).click();
  await reader.isPlaying();
  await reader.chooseVoice("espeak-ng:en-gb");
  await reader.isPlaying();
  await reader.reaches(6);
  expect(await page.evaluate(() => document.querySelector("audio")!.currentSrc)).toContain("en-gb");
  await reader.setRate(2);
  expect(await page.evaluate(() => document.querySelector("audio")!.playbackRate)).toBe(2);
  await expect.poll(async () => (await (await page.request.get("/api/preferences")).json()).rate).toBe(200);
  await page.reload();
  await reader.isLive();
  await expect(page.locator(".speed-value")).toHaveText("2×");
  await expect(reader.player).toHaveAttribute("data-voice", "espeak-ng:en-gb");
});

test.describe("keys", () => {
  test.skip(({ isMobile }) => isMobile, "a phone has none");

  test("play, pause, sentences, chapters and speed", async ({ library, reader, page }) => {
    const id = await library.import("Typewriter", novel("Typewriter"));
    await reader.open(id, 1);
    await page.keyboard.press("Space");
    await reader.isPlaying();
    await page.keyboard.press("ArrowRight");
    await reader.reaches(1);
    await page.keyboard.press("ArrowRight");
    await reader.reaches(2);
    await page.keyboard.press("ArrowLeft");
    await reader.reaches(1);
    await page.keyboard.press("Space");
    await expect(reader.player).toHaveAttribute("data-phase", "paused");
    await page.keyboard.press("+");
    await expect(page.locator(".speed-value")).toHaveText("1.05×");
    await page.keyboard.press("Shift+ArrowRight");
    await expect(page).toHaveURL(`/read/${id}/2`);
    await page.keyboard.press("Space");
    await reader.isPlaying();
    await reader.reaches(0);
  });
});
