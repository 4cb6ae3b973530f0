import type { CDPSession, Page } from "@playwright/test";
import { epub, novel } from "../support/books";
import { test } from "../support/test";

interface Seen {
  ms: number;
  what: string;
}

/** Has the page note its long tasks, and how long interactions take until the next paint. */
const WATCH = () => {
  const [tasks, interactions]: Seen[][] = [[], []];
  Object.assign(window, { tasks, interactions });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) tasks!.push({ ms: task.duration, what: task.name });
  }).observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => {
    for (const event of list.getEntries() as (PerformanceEventTiming & { interactionId: number })[]) {
      const on = event.target as HTMLElement | null;
      const what = `${event.name} on ${on?.getAttribute?.("aria-label") ?? on?.className ?? ""}`;
      // Moving the pointer over something is no interaction.
      if (event.interactionId) interactions!.push({ ms: event.duration, what });
    }
  }).observe({ type: "event", buffered: true, durationThreshold: 16 } as PerformanceObserverInit);
};

const worst = async (page: Page, name: "tasks" | "interactions"): Promise<string> => {
  const seen = await page.evaluate((name) => (window as never as Record<string, Seen[]>)[name]!, name);
  const { ms, what } = seen.reduce((a, b) => (b.ms > a.ms ? b : a), { ms: 0, what: "none" });
  return `${ms.toFixed(0)} ms (${what})`;
};

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
  console.log(`5,000 sentences, longest task while opening: ${await worst(page, "tasks")}`);
  await page.evaluate(() => ((window as never as { tasks: number[] }).tasks.length = 0));
  for (let step = 0; step < 20; step++) {
    await page.mouse.wheel(0, 3_000);
    await page.waitForTimeout(100);
  }
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForTimeout(800);
  console.log(`5,000 sentences, longest task while scrolling: ${await worst(page, "tasks")}`);
  await reader.sentence(4990).click();
  await reader.isPlaying();
  await page.waitForTimeout(1_500);
  console.log(`5,000 sentences, longest task while listening: ${await worst(page, "tasks")}`);
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
  console.log(`interaction to next paint, worst, processor slowed 4×: ${await worst(page, "interactions")}`);
});
