import { expect, test } from "@playwright/test";
import { novel } from "../support/books";
import { browsers, type Elsewhere } from "../support/elsewhere";
import { moment } from "../support/moment";
import { Server } from "../support/server";

interface Entry {
  sentence: number;
  start_ms: number;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Whether the mark is where the timeline says the clock is. A frame that was shown may be behind the clock. */
async function isRight(page: Elsewhere, timeline: () => Promise<Entry[]>) {
  const { ms, sentence } = await page.run(moment);
  const entries = await timeline();
  const said = [0, 60].map((late) => entries.findLast((entry) => entry.start_ms <= ms - late)?.sentence);
  expect(said, `at ${ms} ms`).toContain(sentence);
  return ms;
}

for (const { name, start } of browsers()) {
  test(`${name} reads aloud, marks what it reads, seeks, walks on and turns pages`, async () => {
    test.skip(!start, `${name} is not installed`);
    const server = await Server.start();
    const page = await start!().catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    try {
      const form = new FormData();
      form.set("file", new Blob([new Uint8Array(novel("Elsewhere"))]), "elsewhere.epub");
      const book = ((await (await fetch(`${server.url}/api/books`, { method: "POST", body: form })).json()) as { id: string }).id;
      const set = (fields: Record<string, string>) => fetch(`${server.url}/settings`, { method: "POST", body: new URLSearchParams(fields) });
      const isLive = () => document.querySelector<HTMLElement>(".player")?.dataset.live === "true";
      const live = async () => {
        await expect.poll(() => page.run(isLive), { timeout: 20_000 }).toBe(true);
        // There is no sound card, and a browser that misses one stops.
        await page.run(() => {
          document.addEventListener("play", (event) => ((event.target as HTMLMediaElement).muted = true), true);
          document.querySelectorAll("audio").forEach((audio) => (audio.muted = true));
        });
      };
      await page.open(`${server.url}/read/${book}/1`);
      await live();
      const voice = await page.run(() => document.querySelector<HTMLElement>(".player")!.dataset.voice!);
      const timeline = async (chapter: number) =>
        (await (await fetch(`${server.url}/api/books/${book}/chapters/${chapter}/timeline?voice=${voice}`)).json()) as Entry[];

      await page.click(".player .play");
      await expect.poll(async () => (await page.run(moment)).ms, { timeout: 20_000 }).toBeGreaterThan(500);
      const clocks: number[] = [];
      for (let look = 0; look < 20; look++) {
        await pause(500);
        clocks.push(await isRight(page, () => timeline(1)));
      }
      expect(clocks).toEqual([...clocks].sort((a, b) => a - b));

      // A sentence that is pressed is heard at once.
      await page.click("#s2");
      await expect.poll(async () => (await page.run(moment)).sentence, { timeout: 20_000 }).toBe(2);
      await expect.poll(async () => (await page.run(moment)).sentence, { timeout: 20_000 }).toBe(3);

      // A short chapter, and then the next one without a stop.
      await page.open(`${server.url}/read/${book}/2`);
      await live();
      await page.click(".player .play");
      await expect.poll(async () => (await page.run(moment)).chapter, { timeout: 30_000 }).toBe(3);
      await expect.poll(() => page.run(() => location.pathname), { timeout: 10_000 }).toContain("/3");

      // In pages, and one further.
      await set({ layout: "paged", size: "7" });
      await page.open(`${server.url}/read/${book}/1`);
      await live();
      const offset = () => Math.round(document.querySelector(".sheet")!.scrollLeft);
      expect(await page.run(offset)).toBe(0);
      await page.run(() => document.dispatchEvent(new KeyboardEvent("keydown", { key: "PageDown", bubbles: true })));
      await expect.poll(() => page.run(offset), { timeout: 10_000 }).toBeGreaterThan(100);
    } finally {
      await page.close();
      await server.stop();
    }
  });
}
