import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { epub } from "../support/books";
import { Server } from "../support/server";
import { expect, test as base } from "../support/test";

/** Writes a StarDict dictionary of entries in HTML. */
function write(folder: string, name: string, entries: Record<string, string>) {
  mkdirSync(folder, { recursive: true });
  const index: Buffer[] = [];
  const texts: Buffer[] = [];
  let at = 0;
  for (const [word, html] of Object.entries(entries)) {
    const text = Buffer.from(html);
    const place = Buffer.alloc(8);
    place.writeUInt32BE(at, 0);
    place.writeUInt32BE(text.length, 4);
    index.push(Buffer.from(`${word}\0`), place);
    texts.push(text);
    at += text.length;
  }
  const info = `StarDict's dict ifo file\nversion=2.4.2\nbookname=${name}\nsametypesequence=h\n`;
  writeFileSync(join(folder, `${name}.ifo`), info);
  writeFileSync(join(folder, `${name}.idx`), Buffer.concat(index));
  writeFileSync(join(folder, `${name}.dict`), Buffer.concat(texts));
}

/** With a server of its own, which has a dictionary. */
const test = base.extend<object, { server: Server }>({
  server: [
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "earmark-dictionaries-"));
      write(join(folder, "en"), "Small", { whale: "<i>noun</i> <p>A large animal of the sea.</p>" });
      const server = await Server.start("others", ["--dictionaries", folder]);
      await use(server);
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    { scope: "worker" },
  ],
});

test("a word is looked up where it is read", async ({ page, library, reader }) => {
  const chapters = [{ title: "One", body: "<p>They saw whales.</p><p>Nothing more.</p>" }];
  const book = await library.import("Sea", epub("Sea", chapters));
  await reader.open(book, 1);
  await reader.select(0, 9, 15);
  await page.locator(".selection-menu").getByRole("button", { name: "Look up" }).click();
  const panel = page.getByRole("dialog");
  await expect(panel.getByRole("heading", { name: "whale" })).toBeVisible();
  await expect(panel).toContainText("A large animal of the sea.");
  await expect(panel).toContainText("Small");
  // Another word can be asked for, and what is in no dictionary leads to the one of everybody.
  await panel.getByRole("searchbox").fill("narwhal");
  await panel.getByRole("searchbox").press("Enter");
  await expect(panel.getByRole("status")).toContainText("“narwhal” is in no dictionary here.");
  await expect(panel.getByRole("link", { name: "Look in Wiktionary" })).toHaveAttribute(
    "href",
    "https://en.wiktionary.org/wiki/narwhal",
  );
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
});
