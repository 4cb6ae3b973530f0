// Lighthouse on the library, a book and the reader, as a phone sees them:
// node run.mjs http://127.0.0.1:3000. Prints the four scores of each page and what keeps them from 100.
import { existsSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const origin = process.argv[2] ?? "http://127.0.0.1:3000";
const books = await (await fetch(`${origin}/api/books`)).json();
const book = books.find((book) => book.title === "The Reading Lamp") ?? books[0];
const chromePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
const chrome = await launch({ chromePath, chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"] });
for (const path of ["/", `/book/${book.id}`, `/read/${book.id}/1`]) {
  const { lhr } = await lighthouse(origin + path, { port: chrome.port, output: "json", logLevel: "error" });
  const scores = Object.values(lhr.categories).map((category) => `${category.id} ${Math.round(category.score * 100)}`);
  const bytes = lhr.audits["total-byte-weight"]?.numericValue ?? 0;
  console.log(`${path}: ${scores.join(", ")}; ${(bytes / 1000).toFixed(1)} kB`);
  for (const category of Object.values(lhr.categories)) {
    for (const { id, weight } of category.auditRefs) {
      const audit = lhr.audits[id];
      if (weight > 0 && audit.score !== null && audit.score < 1) console.log(`  ${audit.id}: ${audit.score} ${audit.displayValue ?? audit.title}`);
    }
  }
}
await chrome.kill();
