import { expect, type Locator, type Page } from "@playwright/test";

/** The library page. */
export class Library {
  constructor(readonly page: Page) {}

  async open(): Promise<void> {
    await this.page.goto("/");
    await this.use();
    await expect(this.page.locator(".import[data-live]")).toBeVisible();
  }

  /** The first sign of use, which loads the page's scripts. */
  async use(): Promise<void> {
    await this.page.mouse.move(20, 20);
  }

  async choose(name: string, content: Buffer): Promise<void> {
    await this.page.locator('input[type="file"]').setInputFiles({ name, mimeType: "application/epub+zip", buffer: content });
  }

  /** Lets go of a file above the page. */
  async drop(name: string, content: Buffer): Promise<void> {
    const transfer = await this.page.evaluateHandle(
      ({ name, bytes }) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
        return transfer;
      },
      { name, bytes: content.toString("base64") },
    );
    await this.page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
    await expect(this.page.locator(".drop-veil")).toBeVisible();
    await this.page.dispatchEvent("body", "drop", { dataTransfer: transfer });
  }

  book(title: string): Locator {
    // All of the title: another test may have a book whose title begins so.
    const named = this.page.locator(".shelf-title").and(this.page.getByText(title, { exact: true }));
    return this.page.locator(".shelf-item").filter({ has: named });
  }

  /** Imports a book through the page and returns its id. */
  async import(title: string, content: Buffer): Promise<string> {
    await this.open();
    await this.choose(`${title}.epub`, content);
    await expect(this.book(title)).toBeVisible();
    const href = await this.book(title).locator(".shelf-link").getAttribute("href");
    return href!.split("/").pop()!;
  }
}
