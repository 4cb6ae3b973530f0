import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { novel } from "../support/books";
import { Server } from "../support/server";
import { expect, test as base } from "../support/test";

const root = resolve(import.meta.dirname, "../..");

/** With the voice that comes with the program, and those that can be installed beside it. */
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

/** As an operator does whose server has no way out. */
function install(server: Server): void {
  const program = process.env.EARMARK_BIN ?? join(root, "target/debug/earmark");
  const files = join(root, "target/published/kokoro");
  execFileSync(program, ["voices", "--data", server.data, "install", "kokoro-82m", "--from", files], {
    env: { ...process.env, EARMARK_VOICES: join(root, "target/voices") },
    stdio: "ignore",
  });
}

test("a voice is installed, heard, chosen, read with, and removed", async ({ server, library, reader, page }, info) => {
  test.setTimeout(240_000);
  await page.goto("/settings");
  await page.getByRole("link", { name: "Voices", exact: true }).click();
  const card = page.getByRole("region", { name: "Kokoro" });
  await expect(card).toContainText("American English, British English, Spanish, French, Italian, Brazilian Portuguese · 22 voices");
  await expect(card).toContainText("104 MB");
  await expect(card.getByRole("button", { name: "Install: Kokoro" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Heart", exact: true }).getByRole("button")).toHaveCount(0);
  // It can be heard before anything is fetched.
  const sample = await page.request.get((await card.locator("audio").first().getAttribute("src"))!);
  expect([sample.status(), sample.headers()["content-type"]]).toEqual([200, "audio/mpeg"]);

  install(server);
  await expect(async () => {
    await page.reload();
    await expect(card).toContainText(/Installed\. Speaks \d+\.\d × as fast as you listen here\./, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await card.getByText("Hear 21 more").click();
  await expect(card.getByText("Kokoro George · British English, man")).toBeVisible();
  const audio = card.locator("audio").first();
  await audio.evaluate((sound: HTMLAudioElement) => sound.play());
  await expect.poll(() => audio.evaluate((sound: HTMLAudioElement) => sound.currentTime), { timeout: 60_000 }).toBeGreaterThan(0.5);

  // Somebody else begins while it gets ready.
  await page.goto("/settings");
  await page.getByLabel("While a slow voice gets ready").selectOption("heart:heart");
  await page.getByRole("button", { name: "Save" }).last().click();
  await expect(page.getByLabel("While a slow voice gets ready")).toHaveValue("heart:heart");

  const title = `Installed ${info.project.name}`;
  const id = await library.import(title, novel(title));
  await reader.open(id, 1);
  await reader.chooseVoice("kokoro-82m:am_fenrir");
  // It takes its time on a machine that is busy with other tests.
  const asked = page.waitForRequest(request => request.url().includes(`/listen/${id}/1.mp3`));
  await reader.play.click();
  await reader.reaches(1, 60_000);
  await expect(reader.player).toHaveAttribute("data-voice", "kokoro-82m:am_fenrir");
  expect((await asked).url()).toContain("starter=heart%3Aheart");

  await page.goto("/voices");
  await card.getByRole("button", { name: "Remove: Kokoro" }).click();
  await expect(page.getByRole("status")).toContainText("Kokoro is removed");
  await expect(card.getByRole("button", { name: "Install: Kokoro" })).toBeVisible();
});

test("what is being installed is shown, and can be stopped", async ({ page }) => {
  await page.goto("/voices");
  const card = page.getByRole("region", { name: "Emma" });
  await card.getByRole("button", { name: "Install: Emma" }).click();
  await expect(page.locator(".said")).toContainText("Emma is being installed");
  // It comes, or there is no way out: both end in words.
  await expect(card).toContainText(/Fetching|did not work|Installed/);
  const stop = card.getByRole("button", { name: "Stop: Emma" });
  if (await stop.isVisible()) {
    await stop.click();
    await expect(card.getByRole("button", { name: /Install|Try again/ })).toBeVisible();
  }
});
