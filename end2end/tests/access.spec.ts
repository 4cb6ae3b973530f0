import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { handbook, novel } from "../support/books";
import { expect, test } from "../support/test";

const THEMES = ["light", "sepia", "dark", "contrast"];

/** What axe finds on the page as it is. */
async function faults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap((fault) => fault.nodes.map((node) => `${fault.id}: ${node.html.slice(0, 120)} ${node.failureSummary?.slice(0, 200)}`));
}

for (const theme of THEMES) {
  test(`axe finds nothing on any page in the ${theme} theme`, async ({ library, reader, page }, info) => {
    test.skip(info.project.name === "phone" && theme !== "dark", "colours do not change with the size");
    test.setTimeout(120_000);
    const title = `Axe ${theme} ${info.project.name}`;
    const id = await library.import(title, handbook(title));
    await page.request.post("/settings", { form: { theme } });
    await page.request.post(`/api/books/${id}/annotations`, {
      data: { kind: "highlight", chapter: 1, start: { sentence: 1, offset: 0 }, end: { sentence: 1, offset: 8 }, quote: "The café" },
    });
    for (const address of ["/", `/book/${id}`, `/book/${id}/search?q=filler`, `/book/${id}/notes`, `/book/${id}/voices`, `/book/${id}/passage?chapter=1&first=1`, "/settings", "/keys", "/offline", "/voices", "/engines", "/storage", "/developers"]) {
      await page.goto(address);
      expect(await faults(page), address).toEqual([]);
    }
    await reader.open(id, 1);
    expect(await faults(page), "reader").toEqual([]);
    await reader.startPlaying();
    await reader.play.click();
    await expect(reader.player).toHaveAttribute("data-phase", "paused");
    expect(await faults(page), "reader with a mark").toEqual([]);
    for (const name of ["Appearance", "Contents", "Search", "Notes"]) {
      await reader.openPanel(name);
      await expect(page.locator("#panel .panel-body > *").first()).toBeVisible();
      expect(await faults(page), `panel ${name}`).toEqual([]);
      await reader.closePanel();
    }
    await page.locator(".choice.sleep").click();
    expect(await faults(page), "sleep timer").toEqual([]);
  });
}

// What they are made of is what the pages above are made of, so one theme says enough.
test("axe finds nothing on the pages of a book, of oneself and of whoever runs the place", async ({ library, page }, info) => {
  test.setTimeout(120_000);
  const title = `Axe ${info.project.name}`;
  const id = await library.import(title, handbook(title));
  await page.request.post("/settings", { form: { theme: "dark" } });
  const ofBook = ["/pronunciation?word=filler", "/take", "/narration", "/dictionary?word=filler"].map((path) => `/book/${id}${path}`);
  for (const address of [...ofBook, "/account", "/people", "/dashboard", "/statistics", "/narrations"]) {
    await page.goto(address);
    expect(await faults(page), address).toEqual([]);
  }
});

test("everything a finger hits has 44 pixels", async ({ library, reader, page }, info) => {
  const id = await library.import(`Targets ${info.project.name}`, novel(`Targets ${info.project.name}`));
  const small = () =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, a, select, input:not([type=radio]):not([type=file]), summary")]
        .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
        .filter((element) => !element.closest("article, .skip, .hint") && !element.matches(".arrangement .button"))
        // A tick is hit by its label as well.
        .map((element) => ({ element, target: element.matches("[type=checkbox]") ? (element.closest("label") ?? element) : element }))
        .map(({ element, target }) => ({ element, rect: target.getBoundingClientRect() }))
        // Links in a line of text are excepted (WCAG 2.5.8); the scrubber is as wide as the page.
        .filter(({ element, rect }) => getComputedStyle(element).display !== "inline" && rect.height > 0)
        .filter(({ element, rect }) => (rect.height < 43.5 && !element.matches(".scrubber")) || rect.width < 43.5)
        .map(({ element, rect }) => `${element.outerHTML.slice(0, 90)} ${rect.width}x${rect.height}`),
    );
  await reader.open(id, 1);
  expect(await small()).toEqual([]);
  for (const address of ["/", `/book/${id}`, "/settings", `/book/${id}/search`, `/book/${id}/voices`, "/voices", "/engines", "/storage", "/developers"]) {
    await page.goto(address);
    expect(await small(), address).toEqual([]);
  }
});

test("nothing is cut off at 400 % zoom", async ({ library, reader, page }, info) => {
  test.skip(info.project.name === "phone", "320 pixels are what 1280 are at 400 %");
  const id = await library.import("Zoomed", novel("Zoomed"));
  await page.setViewportSize({ width: 320, height: 256 });
  for (const address of ["/", `/book/${id}`, `/read/${id}/1`, "/settings", "/keys", "/voices", "/engines", "/storage", "/developers"]) {
    await page.goto(address);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, address).toBeLessThanOrEqual(0);
  }
  await reader.open(id, 1);
  await reader.startPlaying();
});

test.describe("at the keyboard", () => {
  test.skip(({ isMobile }) => isMobile, "a phone has none");

  test("panels take the focus and give it back", async ({ library, reader, page }) => {
    const id = await library.import("Focus", novel("Focus"));
    await reader.open(id, 1);
    await page.keyboard.press("/");
    const panel = page.locator("#panel");
    await expect(panel.getByRole("searchbox")).toBeFocused();
    await page.keyboard.type("second");
    await page.keyboard.press("Enter");
    await expect(panel.locator(".hit").first()).toBeVisible();
    // The first one empties the field, as everywhere.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await expect(panel).toBeHidden();
    await page.locator('[data-panel][href="/settings"]').focus();
    await page.keyboard.press("Enter");
    await expect(panel).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.locator('[data-panel][href="/settings"]')).toBeFocused();
    // Keys work after a button was used with the mouse, and leave fields alone.
    await reader.startPlaying();
    await page.keyboard.press("ArrowRight");
    await reader.reaches(1);
    await page.keyboard.press("Shift+?");
    await expect(panel).toContainText("Previous, next sentence");
  });

  test("the first key leads past the tools to the text", async ({ library, reader, page }) => {
    const id = await library.import("Skip", novel("Skip"));
    await reader.open(id, 1);
    await page.keyboard.press("Tab");
    await expect(page.getByRole("link", { name: "Skip to the text" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.locator("#reading")).toBeFocused();
  });
});

test("little motion where little is wanted", async ({ library, reader, page }, info) => {
  const id = await library.import(`Calm ${info.project.name}`, novel(`Calm ${info.project.name}`));
  await page.emulateMedia({ reducedMotion: "reduce", forcedColors: "active" });
  await reader.open(id, 1);
  await reader.sentence(60).evaluate((element) => element.scrollIntoView());
  await reader.sentence(60).click();
  await reader.isPlaying();
  await reader.reaches(60);
  expect(await reader.isInView(60)).toBe(true);
});
