import { novel } from "../support/books";
import { expect, test } from "../support/test";

test("the stream reads on while the page's timers are frozen", async ({ library, reader, page, context }, info) => {
  const id = await library.import(`Frozen ${info.project.name}`, novel(`Frozen ${info.project.name}`));
  await reader.open(id, 1);
  await reader.sentence(79).click();
  await reader.isPlaying();
  const { ms: before, chapter } = await reader.moment();
  expect(chapter).toBe(1);
  const client = await context.newCDPSession(page);
  // What a phone does with a page whose screen is off: no script runs.
  await client.send("Emulation.setScriptExecutionDisabled", { value: true });
  await client.send("Page.setWebLifecycleState", { state: "frozen" }).catch(() => {});
  await new Promise((later) => setTimeout(later, 12_000));
  await client.send("Page.setWebLifecycleState", { state: "active" }).catch(() => {});
  await client.send("Emulation.setScriptExecutionDisabled", { value: false });
  // It has read on, and the page catches up with the chapter it is in now.
  expect((await reader.moment()).ms).toBeGreaterThan(before + 8_000);
  await expect.poll(async () => (await reader.moment()).chapter, { timeout: 15_000 }).toBeGreaterThan(1);
});

test("the lock screen knows what is read, and its buttons work", async ({ library, reader, page }, info) => {
  const title = `Locked ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await page.addInitScript(() => {
    const handlers: Record<string, (details: object) => void> = {};
    Object.assign(window, { handlers });
    const set = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
    navigator.mediaSession.setActionHandler = (action, handler) => {
      handlers[action] = handler as never;
      set(action, handler);
    };
  });
  await reader.open(id, 1);
  const press = (action: string, details = {}) =>
    page.evaluate(
      ([action, details]) => (window as never as { handlers: Record<string, (details: object) => void> }).handlers[action]!(details),
      [action, details] as const,
    );
  await press("play");
  await reader.isPlaying();
  const metadata = await page.evaluate(() => {
    const { title, artist, album, artwork } = navigator.mediaSession.metadata!;
    return { title, artist, album, artwork: artwork.length, state: navigator.mediaSession.playbackState };
  });
  expect(metadata).toEqual({ title: "The Long One", artist: "A. Writer", album: title, artwork: 1, state: "playing" });
  await press("seekforward");
  await reader.reaches(1);
  await press("seekbackward");
  await reader.reaches(0);
  await press("nexttrack");
  await expect(page).toHaveURL(`/read/${id}/2`);
  await press("pause");
  await expect(reader.player).toHaveAttribute("data-phase", "paused");
  expect(await page.evaluate(() => navigator.mediaSession.playbackState)).toBe("paused");
});

test("the scrubber shows the time, never backwards, and goes where it is put", async ({ library, reader, page }, info) => {
  const id = await library.import(`Scrub ${info.project.name}`, novel(`Scrub ${info.project.name}`));
  await reader.open(id, 1);
  await reader.startPlaying();
  const scrubber = page.getByRole("slider", { name: "Place in the chapter" });
  await expect(scrubber).toBeEnabled();
  const seconds = (text: string) => text.replace("−", "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const played = async () => seconds(await page.locator(".played").innerText());
  const seen: number[] = [];
  for (let look = 0; look < 8; look++) {
    seen.push(await played());
    await page.waitForTimeout(500);
  }
  seen.slice(1).forEach((now, index) => expect(now).toBeGreaterThanOrEqual(seen[index]! - 1));
  expect(seen.at(-1)!).toBeGreaterThan(seen[0]!);
  const left = seconds(await page.locator(".left").innerText());
  await expect(page.locator(".book-left")).toContainText("left in the book");
  // At twice the speed half the time is left.
  await reader.setRate(2);
  await expect.poll(async () => seconds(await page.locator(".left").innerText())).toBeLessThan(left * 0.6);
  const max = Number(await scrubber.getAttribute("max"));
  await scrubber.fill(String(Math.floor(max / 2)));
  await reader.isPlaying();
  await expect.poll(() => reader.marked()).toBeGreaterThan(30);
});

test("skips by paragraph", async ({ library, reader, page }, info) => {
  const id = await library.import(`Steps ${info.project.name}`, novel(`Steps ${info.project.name}`));
  await reader.open(id, 1);
  await reader.sentence(4).click();
  await reader.isPlaying();
  await page.getByRole("button", { name: "Next paragraph" }).click();
  await reader.reaches(5);
  await page.getByRole("button", { name: "Previous paragraph" }).click();
  await reader.reaches(3);
});

test("the sleep timer fades and stops, and can be put off", async ({ library, reader, page }, info) => {
  const id = await library.import(`Sleep ${info.project.name}`, novel(`Sleep ${info.project.name}`));
  await page.clock.install();
  await reader.open(id, 1);
  await reader.startPlaying();
  const sleep = async (name: string) => {
    await page.locator(".choice.sleep").click();
    await page.getByRole("button", { name, exact: true }).click();
    await expect(page.locator("#sleep")).toBeHidden();
  };
  const volume = () => page.evaluate(() => document.querySelector("audio")!.volume);
  await sleep("5 minutes");
  await expect(page.locator(".sleep-left")).toHaveText("5");
  // Only what the page takes for the time moves on; the voice goes on as it is.
  await page.clock.setSystemTime(Date.now() + 4.9 * 60_000);
  await expect.poll(volume).toBeLessThan(0.9);
  await expect(page.locator(".player-state")).toContainText("Going to sleep");
  await page.keyboard.press("z");
  await expect.poll(volume).toBe(1);
  await expect(page.locator(".sleep-left")).toHaveText(/^1[56]$/);
  await page.clock.setSystemTime(Date.now() + 40 * 60_000);
  await expect(reader.player).toHaveAttribute("data-phase", "paused");
  expect(await volume()).toBe(1);
  // In the morning, the way back is there even if the page was closed meanwhile.
  await expect(page.locator(".player-state")).toContainText("The sleep timer stopped the voice here.");
  const back = page.getByRole("button", { name: "Back to where the timer was set" });
  await expect(back).toBeVisible();
  await reader.open(id, 2);
  await page.locator(".choice.sleep").click();
  await back.click();
  await expect(page).toHaveURL(/\/1$/);
  await expect(back).toBeHidden();
});

test("on a phone the bar is a line of the screen while one reads, and unfolds", async ({ library, reader, page }, info) => {
  const id = await library.import(`Folds ${info.project.name}`, novel(`Folds ${info.project.name}`));
  await page.goto(`/read/${id}/1`);
  await expect(reader.player).toHaveAttribute("data-live", "true");
  const fold = reader.player.locator(".fold");
  const height = async () => (await reader.player.boundingBox())!.height;
  if (info.project.name === "desktop") {
    await expect(fold).toBeHidden();
    await expect(reader.player.locator(".choice.voice")).toBeVisible();
    return;
  }
  expect(await height()).toBeLessThanOrEqual(64);
  await expect(reader.player.locator(".choice.voice")).toBeHidden();
  await reader.startPlaying();
  await expect.poll(() => reader.player.locator(".scrub").evaluate((line) => line.style.getPropertyValue("--done"))).not.toBe("0.0%");
  await fold.click();
  await expect(fold).toHaveAttribute("aria-expanded", "true");
  await expect(reader.player.locator(".choice.voice")).toBeVisible();
  await fold.click();
  await expect(reader.player.locator(".choice.voice")).toBeHidden();
  expect(await height()).toBeLessThanOrEqual(64);
});

test("Escape closes what was opened last", async ({ library, reader, page }, info) => {
  const id = await library.import(`Escape ${info.project.name}`, novel(`Escape ${info.project.name}`));
  await reader.open(id, 1);
  await reader.select(1, 0, 5);
  await expect(page.locator(".selection-menu")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".selection-menu")).toBeHidden();
  const panel = await reader.openPanel("Search");
  await panel.getByRole("searchbox").fill("anything");
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
});

test("the sleep timer stops at the end of the chapter", async ({ library, reader, page }, info) => {
  const id = await library.import(`Chapter ${info.project.name}`, novel(`Chapter ${info.project.name}`));
  await reader.open(id, 2);
  await reader.startPlaying();
  await page.locator(".choice.sleep").click();
  await page.getByRole("button", { name: "End of the chapter" }).click();
  await expect(reader.player).toHaveAttribute("data-phase", "paused", { timeout: 20_000 });
  const saved = await (await page.request.get(`/api/books/${id}/progress`)).json();
  expect([saved.chapter, saved.sentence]).toEqual([3, 0]);
});

test("words are marked when the reader wants them", async ({ library, reader, page }, info) => {
  const id = await library.import(`Words ${info.project.name}`, novel(`Words ${info.project.name}`));
  await page.request.post("/settings", { form: { mark: "word" } });
  await reader.open(id, 1);
  await reader.recordWords();
  await reader.sentence(2).click();
  await reader.isPlaying();
  await expect.poll(async () => (await reader.paintedWords()).length, { timeout: 15_000 }).toBeGreaterThan(5);
  const text = await page.locator("#reading article").innerText();
  for (const { word } of await reader.paintedWords()) expect(text).toContain(word);
  await page.request.post("/settings", { form: { mark: "off" } });
  await page.reload();
  await reader.isLive();
  await reader.startPlaying();
  await expect(page.locator(".speaking").first()).toHaveCSS("background-color", "rgba(0, 0, 0, 0)");
});

test("a voice is heard before it is chosen", async ({ library, reader, page }, info) => {
  const id = await library.import(`Preview ${info.project.name}`, novel(`Preview ${info.project.name}`));
  await reader.open(id, 1);
  await reader.player.locator(".choice.voice").click();
  const panel = page.locator("#panel");
  await panel.locator('[data-do=preview][data-value="espeak-ng:en-gb"]').click();
  await page.waitForFunction(() => (document.querySelector<HTMLAudioElement>("#panel audio")?.currentTime ?? 0) > 0.2);
  expect(await page.evaluate(() => document.querySelector<HTMLAudioElement>("#panel audio")!.currentSrc)).toContain("en-gb");
  expect(await page.evaluate(() => document.querySelector<HTMLAudioElement>(".player audio")!.currentSrc)).toBe("");
});

test("another device is followed, or the reader is asked", async ({ library, reader, page }, info) => {
  const id = await library.import(`Devices ${info.project.name}`, novel(`Devices ${info.project.name}`));
  await reader.open(id, 1);
  const elsewhere = (chapter: number, sentence: number) =>
    page.request.put(`/api/books/${id}/progress`, { data: { chapter, sentence, device: "another" } });
  // Nobody has moved here: the page goes along.
  await elsewhere(1, 20);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect.poll(() => reader.marked()).toBe(20);
  // Both have moved: one line asks.
  await reader.play.click();
  await reader.isPlaying();
  await reader.play.click();
  await expect(reader.player).toHaveAttribute("data-phase", "paused");
  await expect.poll(async () => (await (await page.request.get(`/api/books/${id}/progress`)).json()).device).not.toBe("another");
  await elsewhere(2, 1);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(page.locator(".player-state")).toHaveText("Another device is in chapter 2.");
  await page.getByRole("button", { name: "Go there" }).click();
  await expect(page).toHaveURL(`/read/${id}/2`);
  await expect.poll(() => reader.marked()).toBe(1);
});

test("what fails says so, and is tried again", async ({ library, reader, page }, info) => {
  const id = await library.import(`Broken ${info.project.name}`, novel(`Broken ${info.project.name}`));
  await reader.open(id, 1);
  // A stream that is no sound: the element gives up on it.
  await page.route("**/listen/**.mp3*", (route) => route.fulfill({ status: 200, contentType: "audio/mpeg", body: "no sound" }));
  await reader.play.click();
  await expect(reader.player).toHaveAttribute("data-phase", "failed");
  await expect(page.getByRole("status").filter({ hasText: "could not be played" })).toBeVisible();
  await page.unroute("**/listen/**.mp3*");
  await page.getByRole("button", { name: "Try again" }).click();
  await reader.isPlaying();
  await expect(page.getByRole("button", { name: "Try again" })).toBeHidden();
});

test("a book says how long it is, and is heard at once", async ({ library, reader, page }, info) => {
  const id = await library.import(`Heard ${info.project.name}`, novel(`Heard ${info.project.name}`));
  await page.goto(`/book/${id}`);
  await expect(page.getByText(/min to read · \d+ min to hear/)).toBeVisible();
  await expect(page.locator(".contents li").first()).toContainText(/\d min$/);
  await page.getByRole("link", { name: "Listen" }).click();
  await reader.isPlaying();
  await expect(page).toHaveURL(/\/read\/[0-9a-f]+\/\d+(#s\d+)?$/);
});

test("time that is spent is counted, shown to oneself, and erased", async ({ library, reader, page }, info) => {
  const id = await library.import(`Counted ${info.project.name}`, novel(`Counted ${info.project.name}`));
  await page.clock.install();
  await reader.open(id, 1);
  await page.request.delete("/api/statistics");
  const reported = page.waitForResponse((answer) => answer.url().endsWith("/api/statistics"));
  await page.clock.runFor(61_000);
  expect((await reported).status()).toBe(204);
  await page.goto("/statistics");
  const figures = await (await page.request.get("/api/statistics")).json();
  expect(figures.read_s).toBeGreaterThanOrEqual(60);
  await expect(page.getByRole("img", { name: /The last 30 days/ })).toBeVisible();
  await page.getByText("In figures").click();
  await expect(page.getByRole("rowheader")).toHaveCount(1);
  await page.getByText("Erase all of it").click();
  await page.getByRole("button", { name: "Erase it now" }).click();
  await expect(page).toHaveURL(/\/statistics$/);
  expect((await (await page.request.get("/api/statistics")).json()).read_s).toBe(0);
});

test("a sentence that was there already is marked", async ({ library, reader, page }, info) => {
  const id = await library.import(`Stored ${info.project.name}`, novel(`Stored ${info.project.name}`));
  await reader.open(id, 1);
  await reader.sentence(3).click();
  await reader.isPlaying();
  await expect.poll(async () => (await reader.moment()).ms).toBeGreaterThan(2_000);
  await page.reload();
  await reader.sentence(3).click();
  await reader.isPlaying();
  await reader.unfold();
  await expect(page.getByRole("img", { name: "From the store: it costs nothing to hear it again" })).toBeVisible();
});
