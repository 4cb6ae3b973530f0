import { epub } from "../support/books";
import { SpeechService } from "../support/speech";
import { expect, test } from "../support/test";

test("a second voice speaks what is in quotation marks, and a passage in another language has its own", async ({ library, reader, page }, info) => {
  const service = await SpeechService.start();
  const name = `cast-${info.project.name}`;
  await page.request.post("/api/engines", { form: { name, kind: "openai", url: service.url, key: "sk-test" } });
  const title = `Cast ${info.project.name}`;
  const body = "<p>“No,” she said at once. He nodded.</p><p lang='fr'>Bonjour tout le monde.</p><p>They went home in the rain.</p>";
  const id = await library.import(title, epub(title, [{ title: "One", body }]));
  await page.request.put(`/api/books/${id}/progress`, { data: { chapter: 1, sentence: 0, voice: `${name}:af_heart` } });
  await reader.open(id, 1);
  await reader.player.locator(".choice.voice").click();
  const panel = page.locator("#panel");
  await panel.getByLabel("Speech in quotation marks").selectOption(`${name}:bm_george`);
  await panel.getByLabel("Passages in other languages").check();
  const cast = `${name}:af_heart speech=${name}:bm_george languages`;
  await expect(reader.player).toHaveAttribute("data-voice", cast);
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();

  await reader.startPlaying();
  await reader.reaches(3, 40_000);
  const timeline = await (await page.request.get(`/api/books/${id}/chapters/1/timeline?voice=${encodeURIComponent(cast)}`)).json();
  expect(timeline.length).toBeGreaterThan(3);
  const said = service.spoken.map((text, at) => `${service.voices[at]}: ${text}`);
  expect(said).toContain("bm_george: “No,”");
  expect(said).toContain("af_heart: she said at once.");
  // At most once, when the page was opened with one voice.
  expect(said.filter((one) => one.includes("Bonjour")).length).toBeLessThan(2);

  // The narrator changes, and who reads beside it stays; also after a reload, and the panel knows.
  await reader.chooseVoice("espeak-ng:en-us");
  await reader.isPlaying();
  await page.reload();
  await reader.isLive();
  await expect(reader.player).toHaveAttribute("data-voice", `espeak-ng:en-us speech=${name}:bm_george languages`);
  await reader.player.locator(".choice.voice").click();
  await expect(panel.getByLabel("Speech in quotation marks")).toHaveValue(`${name}:bm_george`);
  await expect(panel.getByLabel("Passages in other languages")).toBeChecked();
  await expect(panel.locator('[data-do=voice][data-value="espeak-ng:en-us"]')).toHaveAttribute("aria-pressed", "true");
  await panel.getByLabel("Speech in quotation marks").selectOption("");
  await expect(reader.player).toHaveAttribute("data-voice", "espeak-ng:en-us languages");
  // Tests share a server.
  await page.request.delete(`/api/engines/${name}`);
  await service.stop();
});
