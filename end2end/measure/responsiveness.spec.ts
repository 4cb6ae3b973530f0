import type { CDPSession, Page } from "@playwright/test";
import { epub, novel } from "../support/books";
import { test } from "../support/test";

/** Has the page note its long tasks and how long interactions take until the next paint. */
const WATCH = () => {
  Object.assign(window, { tasks: [], interactions: [] });
  const seen = window as never as { tasks: number[]; interactions: number[] };
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => seen.tasks.push(entry.duration))).observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
      // Moving the pointer over something is no interaction.
      if ((entry as PerformanceEventTiming & { interactionId: number }).interactionId) seen.interactions.push(entry.duration);
    }),
  ).observe({
    type: "event",
    buffered: true,
    durationThreshold: 16,
  } as PerformanceObserverInit);
};

const worst = (page: Page, name: "tasks" | "interactions") =>
  page.evaluate((name) => Math.max(0, ...(window as never as Record<string, number[]>)[name]!), name);

const slowDown = async (page: Page, rate: number): Promise<CDPSession> => {
  const client = await page.context().newCDPSession(page);
  await client.send("Emulation.setCPUThrottlingRate", { rate });
  return client;
};

test("a chapter of 5,000 sentences", async ({ library, reader, page }) => {
  const paragraphs = Array.from({ length: 1250 }, (_, n) => `<p>Paragraph ${n} begins. It goes on. And on it goes. There it ends.</p>`);
  const id = await library.import("Long", epub("Long", [{ title: "Long", body: `<h1>Long</h1>${paragraphs.join("")}` }]));
  await page.addInitScript(WATCH);
  await reader.open(id, 1);
  await page.waitForTimeout(1_500);
  console.log(`5,000 sentences, longest task while opening: ${(await worst(page, "tasks")).toFixed(0)} ms`);
  await page.evaluate(() => ((window as never as { tasks: number[] }).tasks.length = 0));
  for (let step = 0; step < 20; step++) {
    await page.mouse.wheel(0, 3_000);
    await page.waitForTimeout(100);
  }
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForTimeout(800);
  console.log(`5,000 sentences, longest task while scrolling: ${(await worst(page, "tasks")).toFixed(0)} ms`);
  await reader.sentence(4990).click();
  await reader.isPlaying();
  await page.waitForTimeout(1_500);
  console.log(`5,000 sentences, longest task while listening: ${(await worst(page, "tasks")).toFixed(0)} ms`);
});

test("interaction to next paint, processor slowed 4x", async ({ library, reader, page }) => {
  const id = await library.import("Slow", novel("Slow"));
  await page.addInitScript(WATCH);
  await reader.open(id, 1);
  await slowDown(page, 4);
  await reader.sentence(4).click();
  await reader.isPlaying();
  await page.waitForTimeout(500);
  for (const key of ["ArrowRight", "ArrowRight", ".", ",", "+", "b", "Space", "Space"]) {
    await page.keyboard.press(key);
    await page.waitForTimeout(400);
  }
  await reader.openPanel("Appearance");
  await page.locator('#panel [name=theme][value="dark"]').check();
  await page.locator('#panel [name=size][type=range]').fill("6");
  await page.waitForTimeout(400);
  await reader.closePanel();
  await reader.openPanel("Contents");
  await reader.closePanel();
  await page.locator(".turn .next").click();
  await page.waitForTimeout(800);
  console.log(`interaction to next paint, worst, processor slowed 4×: ${await worst(page, "interactions")} ms`);
});
