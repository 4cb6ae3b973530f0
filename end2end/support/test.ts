import { test as base, expect } from "@playwright/test";
import { Library } from "../pages/library";
import { Reader } from "../pages/reader";
import { Server } from "./server";

/** What a new reader has. */
const PREFERENCES = {
  theme: "system",
  face: "serif",
  size: "4",
  leading: "5",
  measure: "5",
  margin: "3",
  layout: "scrolled",
  align: "start",
  paragraphs: "book",
  letter_spacing: "1",
  word_spacing: "1",
  ruler: "off",
  tint: "amber",
  hyphens: "on",
  mark: "sentence",
  rate: "100",
  pauses: "normal",
  titles: "on",
  matter: "on",
  notes: "on",
  tables: "on",
  code: "on",
  captions: "on",
  pictures: "off",
  citations: "on",
  links: "site",
  keys: "on",
  tongue: "system",
  starter: "",
  own_face: "",
  shelf_sort: "recent",
  shelf_show: "all",
};

interface Fixtures {
  library: Library;
  reader: Reader;
}

/** Tests with a server, its pages, and no tolerance: a console error or failed request fails them. */
export const test = base.extend<Fixtures, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  page: async ({ page, request }, use) => {
    // Tests share a server, and preferences belong to it.
    await request.post("/settings", { form: PREFERENCES });
    const faults: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") faults.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`);
    });
    page.on("requestfailed", (request) => {
      // A stream or timeline that the page itself has left, and saving while a page closes.
      const left = /\/listen\//.test(request.url()) || request.method() === "PUT" || /\/api\/events\//.test(request.url());
      if (!(left && request.failure()?.errorText === "net::ERR_ABORTED")) faults.push(`failed: ${request.url()}`);
    });
    await use(page);
    expect(faults).toEqual([]);
  },
  library: async ({ page }, use) => use(new Library(page)),
  reader: async ({ page }, use) => use(new Reader(page)),
});

export { expect };
