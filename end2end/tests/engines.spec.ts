import OpenAI from "openai";
import { epub, novel } from "../support/books";
import { SpeechService } from "../support/speech";
import { expect, test } from "../support/test";

test("a speech service is added, tested, heard, paid once, and removed", async ({ library, reader, page }, info) => {
  const service = await SpeechService.start();
  const name = `service-${info.project.name}`;
  await page.goto("/settings");
  await page.getByRole("link", { name: "Engines" }).click();
  await expect(page.getByText("None yet")).toBeVisible();
  const form = page.locator("form.engine-form");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Address").fill(service.url);
  await form.getByLabel("Key").fill("sk-wrong");
  await form.getByLabel("Price").fill("15");
  await form.getByRole("button", { name: "Add an engine" }).click();
  await expect(page.getByRole("alert")).toContainText("does not accept its key");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Address").fill(service.url);
  await form.getByLabel("Key").fill("sk-test");
  await form.getByLabel("Price").fill("15");
  await form.getByRole("button", { name: "Add an engine" }).click();
  await expect(page.getByRole("status")).toContainText("is ready");
  const card = page.locator("section.engine", { hasText: name });
  await expect(card).toContainText("Heart, George");
  await card.getByRole("button", { name: "Test" }).click();
  await expect(page.getByRole("status")).toContainText("speaks");
  const sample = await page.request.get((await card.locator("audio").getAttribute("src"))!);
  expect(sample.headers()["content-type"]).toBe("audio/mpeg");
  expect((await sample.body()).length).toBeGreaterThan(5_000);

  // It reads a book, and the page says what that cost.
  const title = `Served ${info.project.name}`;
  const id = await library.import(title, novel(title));
  const before = service.spoken.length;
  await page.request.get(`/listen/${id}/3.mp3?to=chapter&voice=${name}:af_heart`);
  const first = service.spoken.length - before;
  expect(first).toBe(2);
  await page.request.get(`/listen/${id}/3.mp3?to=chapter&voice=${name}:af_heart`);
  expect(service.spoken.length - before).toBe(first);
  await page.goto("/storage");
  const line = page.getByRole("row", { name: new RegExp(`^${name}:af_heart`) });
  await expect(line).toContainText("50 %");

  // When the money is gone, the reader is told, and no other voice steps in unasked.
  service.refusal = { status: 429, code: "insufficient_quota" };
  await page.evaluate(() => localStorage.clear());
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 2, sentence: 0, voice: `${name}:af_heart` } });
  await reader.open(id, 2);
  await reader.play.click();
  await expect(page.locator(".player")).toContainText("used up");
  await expect(page.locator(".player-notice").getByRole("link", { name: "Choose a voice" })).toBeVisible();
  service.refusal = null;

  await page.goto("/engines");
  await page.locator("section.engine", { hasText: name }).getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("status")).toContainText("was removed");
  await expect(page.locator("section.engine", { hasText: name })).toHaveCount(0);
  await service.stop();
});

test("words are marked when the engine says they begin", async ({ library, reader, page }, info) => {
  const service = await SpeechService.start();
  const name = `timed-${info.project.name}`;
  await page.request.post("/api/engines", { form: { name, kind: "openai", url: service.url, key: "sk-test", words: "on" } });
  const title = `Timed ${info.project.name}`;
  const id = await library.import(title, epub(title, [{ title: "One", body: "<p>Slowly the very long first word of all of this came to its end.</p>" }]));
  await page.request.post("/settings", { form: { mark: "word" } });
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 0, voice: `${name}:af_heart` } });
  await reader.open(id, 1);
  await reader.recordWords();
  await reader.play.click();
  await reader.isPlaying();
  // Over half of the sentence it is the first word; an estimate would be in the middle by then.
  await expect.poll(async () => (await reader.paintedWords()).length, { timeout: 15_000 }).toBeGreaterThan(3);
  const [first, second] = await reader.paintedWords();
  expect(first!.word).toBe("Slowly");
  expect(second!.at).toBeGreaterThan((64 / 15) * 0.6);
  await service.stop();
});

test("OpenAI’s own client speaks through Earmark", async ({ server }, info) => {
  test.skip(info.project.name === "phone", "no page is involved");
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  const speech = await client.audio.speech.create({
    model: "espeak-ng",
    voice: "en-us",
    input: "Mr. Holmes was there. Nobody else came.",
  });
  const bytes = Buffer.from(await speech.arrayBuffer());
  expect(bytes.length).toBeGreaterThan(10_000);
  expect(bytes[0]).toBe(0xff);
  // By the id that Earmark itself uses, at another speed.
  const slow = await client.audio.speech.create({ model: "tts-1", voice: "espeak-ng:en-us", input: "Nobody else came.", speed: 0.5 });
  expect((await slow.arrayBuffer()).byteLength).toBeGreaterThan(8_000);
  const wav = await client.audio.speech.create({ model: "tts-1", voice: "en-us", input: "Nobody else came.", response_format: "wav" });
  expect(Buffer.from(await wav.arrayBuffer()).subarray(0, 4).toString()).toBe("RIFF");
  const models = await client.models.list();
  expect(models.data.map((model) => model.id)).toContain("espeak-ng");
  // OpenAI's own names are voices here too: the default one.
  const alloy = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: "Yes." });
  expect((await alloy.arrayBuffer()).byteLength).toBeGreaterThan(1_000);
  // Errors are the client's own.
  const nobody = { model: "tts-1", voice: "nobody" as "alloy", input: "Yes.", strict: true };
  const wrong = client.audio.speech.create(nobody);
  await expect(wrong).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  await expect(wrong).rejects.toThrow(/names no voice/);
  for (const input of ["", " \n "]) {
    const empty = client.audio.speech.create({ model: "tts-1", voice: "en-us", input });
    await expect(empty).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  }
  // Text without a word is a short silence, so that whoever reads on line by line does not stop there.
  const stars = await client.audio.speech.create({ model: "tts-1", voice: "en-us", input: "* * *", response_format: "wav" });
  const silence = Buffer.from(await stars.arrayBuffer());
  expect(silence.length).toBeGreaterThan(1_000);
  expect(silence.length).toBeLessThan(40_000);
});
