import { readFileSync } from "node:fs";
import { novel } from "../support/books";
import { test } from "../support/test";
import { Server } from "../support/server";

const RUNS = 15;

function median(values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)]!);
  return `median ${at(0.5)}, worst ${at(1)} (${sorted.length} runs)`;
}

function residentMb(server: Server): number {
  const status = readFileSync(`/proc/${server.process.pid}/status`, "utf8");
  return Number(status.match(/VmRSS:\s+(\d+)/)![1]) / 1024;
}

/** From the press of the button to a media clock that moves. */
const PRESS_TO_SOUND = () =>
  new Promise<number>((done) => {
    const audio = document.querySelector("audio")!;
    const pressed = performance.now();
    document.querySelector<HTMLButtonElement>(".player .play")!.click();
    const look = () => {
      if (audio.currentTime > 0) done(performance.now() - pressed);
      else setTimeout(look, 1);
    };
    look();
  });

test("memory of the idle server", async ({ server, request }) => {
  await request.get("/");
  console.log(`idle server, one book: ${residentMb(server).toFixed(0)} MB resident`);
});

test("bytes of the first reading view", async ({ browser, server, request }) => {
  // A reader who was never here: no cache, and no worker that answers from one.
  const context = await browser.newContext({ baseURL: server.url, serviceWorkers: "block" });
  const page = await context.newPage();
  const books = await (await request.get("/api/books")).json();
  const sample = books.find((book: { title: string }) => book.title === "The Reading Lamp");
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  await client.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  client.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await page.goto(`/read/${sample.id}/1`);
  await page.waitForSelector(".player[data-live]");
  await page.waitForTimeout(500);
  console.log(`first reading view, everything transferred: ${(bytes / 1000).toFixed(1)} kB`);
});

test("press play to sound", async ({ library, reader, page, request }) => {
  const id = await library.import("Measured", novel("Measured"));
  const voices: string[] = (await (await request.get("/api/voices")).json())
    .filter((voice: { id: string; language: string }) => /^[a-df-z][a-z]$/.test(voice.language))
    .map((voice: { id: string }) => voice.id);
  const cold: number[] = [];
  const cached: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    // A voice nobody has heard this chapter in; the page's events are held back so that nothing is
    // ready when play is pressed.
    await page.route("**/api/events/**", (route) => route.fulfill({ status: 200, json: null }));
    await page.route(/\/(listen)\//, (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set("voice", voices[run]!);
      return route.continue({ url: url.href });
    });
    await reader.open(id, 1);
    cold.push(await page.evaluate(PRESS_TO_SOUND));
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }
  await (await request.get(`/listen/${id}/1.mp3?voice=espeak-ng:en-us&to=chapter`)).body();
  for (let run = 0; run < RUNS; run++) {
    await reader.open(id, 1);
    cached.push(await page.evaluate(PRESS_TO_SOUND));
  }
  console.log(`press play to sound, cold: ${median(cold)} ms`);
  console.log(`press play to sound, cached: ${median(cached)} ms`);
});

test("press play to sound with the built-in voice", async ({ browser }) => {
  const cold: number[] = [];
  const warm: number[] = [];
  const cached: number[] = [];
  for (let run = 0; run < RUNS / 2; run++) {
    // A server whose voice does not run yet, and a page that has announced nothing.
    const server = await Server.start("built-in");
    const context = await browser.newContext({ baseURL: server.url });
    const page = await context.newPage();
    await page.route("**/api/events/**", (route) => route.fulfill({ status: 200, json: null }));
    const [book] = await (await page.request.get("/api/books")).json();
    const press = async (chapter: number, times: number[]) => {
      await page.goto(`/read/${book.id}/${chapter}`);
      await page.waitForSelector(".player[data-live]");
      times.push(await page.evaluate(PRESS_TO_SOUND));
    };
    await press(1, cold);
    await press(3, warm);
    await press(1, cached);
    await context.close();
    await server.stop();
  }
  console.log(`the built-in voice, press play to sound, its process not running: ${median(cold)} ms`);
  console.log(`the same, its process running, the sentence not made: ${median(warm)} ms`);
  console.log(`the same, made: ${median(cached)} ms`);
});

test("how far the mark is behind the clock", async ({ library, reader, page }) => {
  const id = await library.import("Marked", novel("Marked"));
  await reader.open(id, 1);
  await reader.setRate(2);
  await reader.startPlaying();
  await page.waitForTimeout(1_500);
  const timeline = await reader.timeline(id, 1);
  // The clock at the moment each new sentence is marked, less when it begins.
  const marks: [number, number][] = await page.evaluate(
    () =>
      new Promise((done) => {
        const audio = document.querySelector("audio")!;
        const seen: [number, number][] = [];
        new MutationObserver(() => {
          const marked = document.querySelector("#reading .speaking")?.getAttribute("data-s");
          if (marked && seen.at(-1)?.[0] !== Number(marked)) seen.push([Number(marked), audio.currentTime * 1000]);
          if (seen.length > 20) done(seen.slice(1));
        }).observe(document.querySelector("#reading")!, { subtree: true, attributes: true, attributeFilter: ["class"] });
      }),
  );
  const late = marks.map(([sentence, ms]) => ms - timeline.find((entry) => entry.sentence === sentence)!.start_ms);
  console.log(`mark behind the audio clock at 2×: ${median(late)} ms`);
});

test("stalls over a chapter at 2x", async ({ library, reader, page }) => {
  const id = await library.import("Steady", novel("Steady"));
  await reader.open(id, 1);
  await reader.setRate(2);
  await reader.startPlaying();
  await reader.countStalls();
  await page.waitForURL(`/read/${id}/2`, { timeout: 280_000 });
  const stalls = await reader.stalls();
  console.log(`stalls while listening through 81 sentences at 2×: ${stalls}`);
});
