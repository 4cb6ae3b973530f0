import { novel } from "../support/books";
import { Server } from "../support/server";
import { expect, test as base } from "../support/test";

/** With the voice that comes with the program. */
const test = base.extend<object, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start("built-in");
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

test("an English book is read by the built-in voice, which tells every word", async ({ library, reader, page }, info) => {
  const id = await library.import(`Heart ${info.project.name}`, novel(`Heart ${info.project.name}`));
  await reader.open(id, 1);
  await expect(reader.player).toHaveAttribute("data-voice", "heart:heart");
  await reader.startPlaying();
  await reader.reaches(3);
  const timeline = await (await page.request.get(`/api/books/${id}/chapters/1/timeline`)).json();
  for (const sentence of timeline.slice(0, 3)) {
    expect(sentence.words_ms.length).toBeGreaterThan(0);
    expect(Math.max(...sentence.words_ms)).toBeLessThan(sentence.duration_ms);
  }
  // Another voice is one choice away, and stays chosen.
  await reader.chooseVoice("espeak-ng:en-us");
  await reader.isPlaying();
  await page.reload();
  await reader.isLive();
  await expect(reader.player).toHaveAttribute("data-voice", "espeak-ng:en-us");
});
