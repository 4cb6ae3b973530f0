import { expect, type Locator, type Page } from "@playwright/test";
import { moment } from "../support/moment";

export interface Entry {
  sentence: number;
  start_ms: number;
  duration_ms: number;
}

export interface PaintedWord {
  word: string;
  at: number;
}

/** The reader page. */
export class Reader {
  readonly play: Locator;
  readonly player: Locator;
  readonly lookBack: Locator;

  constructor(readonly page: Page) {
    this.player = page.locator(".player");
    this.play = this.player.locator(".play");
    this.lookBack = this.player.locator(".look-back");
  }

  async open(book: string, chapter: number): Promise<void> {
    await this.page.goto(`/read/${book}/${chapter}`);
    await this.isLive();
  }

  async isLive(): Promise<void> {
    await expect(this.player).toHaveAttribute("data-live", "true");
    await this.unfold();
  }

  /** Shows the whole bar, where a phone has folded it. */
  async unfold(): Promise<void> {
    const fold = this.player.locator(".fold");
    if (!(await fold.isVisible()) || (await fold.getAttribute("aria-expanded")) === "true") return;
    await fold.click();
    await expect(fold).toHaveAttribute("aria-expanded", "true");
    // The space bar is the page's again.
    await fold.blur();
  }

  async startPlaying(): Promise<void> {
    await this.play.click();
    await this.isPlaying();
  }

  async isPlaying(): Promise<void> {
    await expect(this.player).toHaveAttribute("data-phase", "playing");
  }

  /** Sets the listener's speed through the popover. */
  async setRate(rate: number): Promise<void> {
    await this.player.locator(".speed").click();
    await this.page.locator(`#speed [data-do=rate][data-value="${rate * 100}"]`).click();
    await this.page.keyboard.press("Escape");
    await expect(this.page.locator("#speed")).toBeHidden();
  }

  async chooseVoice(id: string): Promise<void> {
    await this.player.locator(".choice.voice").click();
    await this.page.locator(`#panel [data-do=voice][data-value="${id}"]`).click();
    await expect(this.page.locator("#panel")).toBeHidden();
  }

  /** Opens a page in the panel by the name of its button. */
  async openPanel(name: string): Promise<Locator> {
    await this.page.locator(".reader-tools, .site-tools").getByRole("link", { name }).click();
    const panel = this.page.locator("#panel");
    await expect(panel).toBeVisible();
    return panel;
  }

  async closePanel(): Promise<void> {
    await this.page.locator("#panel [data-do=close-panel]").click();
    await expect(this.page.locator("#panel")).toBeHidden();
  }

  /** Selects a stretch of a sentence, as a reader would with mouse or finger. */
  async select(sentence: number, from: number, to: number): Promise<void> {
    await this.sentence(sentence).evaluate(
      (element, [from, to]) => {
        const range = document.createRange();
        range.setStart(element.firstChild!, from!);
        range.setEnd(element.firstChild!, to!);
        getSelection()!.removeAllRanges();
        getSelection()!.addRange(range);
      },
      [from, to],
    );
    await expect(this.page.locator(".selection-menu")).toBeVisible();
  }

  /** The text painted with a name by the CSS Custom Highlight API. */
  painted(name: string): Promise<string[]> {
    return this.page.evaluate(
      (name) => [...(CSS.highlights.get(name) ?? [])].map((range) => (range as Range).toString()),
      name,
    );
  }

  /** From now on, takes down at every frame which word is painted and what the clock says. */
  async recordWords(): Promise<void> {
    await this.page.evaluate(() => {
      const words: PaintedWord[] = [];
      Object.assign(window, { words });
      const look = () => {
        const word = [...(CSS.highlights.get("word") ?? [])].map(String).join(" ");
        const at = document.querySelector("audio")!.currentTime;
        if (word && words.at(-1)?.word !== word) words.push({ word, at });
        requestAnimationFrame(look);
      };
      look();
    });
  }

  /** The words painted since [recordWords], and the second of the stream each was first seen at. */
  paintedWords(): Promise<PaintedWord[]> {
    return this.page.evaluate(() => (window as never as { words: PaintedWord[] }).words);
  }

  /** Scrolls to the top, as a reader would. */
  async scrollToTop(by: "wheel" | "finger"): Promise<void> {
    const client = await this.page.context().newCDPSession(this.page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", y?: number) =>
      client.send("Input.dispatchTouchEvent", { type, touchPoints: y === undefined ? [] : [{ x: 180, y }] });
    const swipe = async () => {
      await touch("touchStart", 100);
      for (let y = 140; y <= 500; y += 40) await touch("touchMove", y);
      await touch("touchEnd");
    };
    await this.page.mouse.move(400, 300);
    await expect(async () => {
      await (by === "wheel" ? this.page.mouse.wheel(0, -9000) : swipe());
      await expect.poll(() => this.page.evaluate(() => scrollY), { timeout: 1_000 }).toBe(0);
    }).toPass();
    await client.detach();
  }

  sentence(index: number): Locator {
    return this.page.locator(`#s${index}`);
  }

  /** The audio clock, and the sentence marked at the same moment. */
  moment(): ReturnType<typeof moment> {
    return this.page.evaluate(moment);
  }

  async clock(): Promise<number> {
    return (await this.moment()).ms;
  }

  async marked(): Promise<number | null> {
    return (await this.moment()).sentence;
  }

  /** Waits until the voice is in a sentence. Looks at every frame: some sentences last but a second. */
  async reaches(sentence: number, timeout = 20_000): Promise<void> {
    const isThere = (sentence: number) => document.querySelector(`#reading .speaking[data-s="${sentence}"]`) !== null;
    await this.page.waitForFunction(isThere, sentence, { timeout });
  }

  /** What the server says of the chapter, with the voice the page uses. */
  async timeline(book: string, chapter: number): Promise<Entry[]> {
    const voice = await this.player.getAttribute("data-voice");
    const response = await this.page.request.get(`/api/books/${book}/chapters/${chapter}/timeline?voice=${voice}`);
    expect(response.ok()).toBe(true);
    return response.json();
  }

  async isInView(sentence: number): Promise<boolean> {
    return this.sentence(sentence).evaluate((element) => {
      const rect = element.getBoundingClientRect();
      const bar = document.querySelector(".player")!.getBoundingClientRect();
      return rect.top >= 0 && rect.top < bar.top;
    });
  }

  /** Counts from now on how often the sound has to wait. */
  async countStalls(): Promise<void> {
    await this.page.evaluate(() => {
      Object.assign(window, { stalls: 0 });
      document.querySelector("audio")!.addEventListener("waiting", () => (window as never as { stalls: number }).stalls++);
    });
  }

  /** How often it had to. */
  stalls(): Promise<number> {
    return this.page.evaluate(() => (window as never as { stalls: number }).stalls);
  }
}
