import { epub } from "../support/books";
import { Server } from "../support/server";
import { SpeechService } from "../support/speech";
import { expect, test } from "../support/test";
import { Reader } from "../pages/reader";

const SENTENCES = 300;

/** A chapter of sentences that no other book has. */
function chapter(of: string): string {
  const paragraph = (n: number) =>
    `<p>The ${of} of number ${n} was seen by nobody. It was heard, though, by those who stood near it.</p>`;
  return Array.from({ length: SENTENCES / 2 }, (_, n) => paragraph(n + 1)).join("");
}

test("two browsers hear a chapter of 300 sentences at 2x while a slow service narrates a third book", async ({ browser }) => {
  test.setTimeout(1_200_000);
  const server = await Server.start("built-in");
  const service = await SpeechService.start();
  service.slowness = 15_000;
  const contexts = await Promise.all([0, 1].map(() => browser.newContext({ baseURL: server.url })));
  const pages = await Promise.all(contexts.map((context) => context.newPage()));
  const request = contexts[0]!.request;
  const added = async (title: string): Promise<string> => {
    const content = epub(title, [{ title: "One", body: chapter(title) }, { title: "Two", body: "<p>It is over.</p>" }]);
    const file = { name: `${title}.epub`, mimeType: "application/epub+zip", buffer: content };
    const known: { id: string; title: string }[] = await (await request.post("/api/books", { multipart: { file } })).json();
    expect(known).toBeTruthy();
    const books: { id: string; title: string }[] = await (await request.get("/api/books")).json();
    return books.find((book) => book.title === title)!.id;
  };
  const form = { name: "slow", kind: "openai", url: service.url, key: "sk-test" };
  expect((await request.post("/api/engines", { form })).status()).toBe(201);
  const slow = await added("Rock");
  const narration = { book: slow, voice: "slow:af_heart" };
  expect((await request.post("/api/narrations", { form: narration })).ok()).toBe(true);

  const heard = pages.map(async (page, at) => {
    const id = await added(["Bell", "Drum"][at]!);
    await page.goto(`/read/${id}/1`);
    const reader = new Reader(page);
    await reader.isLive();
    await reader.setRate(2);
    await reader.startPlaying();
    await reader.countStalls();
    const began = Date.now();
    await page.waitForURL(`/read/${id}/2`, { timeout: 1_000_000 });
    const stalls = await reader.stalls();
    return { stalls, seconds: Math.round((Date.now() - began) / 1000) };
  });
  for (const { stalls, seconds } of await Promise.all(heard)) {
    console.log(`stalls over ${SENTENCES} sentences at 2× with the built-in voice, ${seconds} s: ${stalls}`);
  }
  console.log(`sentences that the service of 15 s was asked for meanwhile: ${service.spoken.length}`);
  await Promise.all(contexts.map((context) => context.close()));
  await server.stop();
  await service.stop();
});
