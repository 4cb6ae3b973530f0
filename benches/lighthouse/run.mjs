// Lighthouse on the library, a book and the reader, as a phone sees them. Starts EARMARK_BIN with the
// pages in EARMARK_SITE; prints the scores of each page, its bytes, and what keeps a score from 100.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const data = mkdtempSync(join(tmpdir(), "earmark-"));
const server = spawn(process.env.EARMARK_BIN, ["serve", "--addr", "127.0.0.1:0"], {
  env: { ...process.env, EARMARK_DATA: data },
  stdio: ["ignore", "pipe", "ignore"],
});
const { value: line } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
const origin = line.match(/http:\/\/\S+/)[0];
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
server.kill("SIGTERM");
await new Promise((ended) => server.once("exit", ended));
rmSync(data, { recursive: true });
