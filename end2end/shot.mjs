import { chromium } from "@playwright/test";
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const base = "http://127.0.0.1:38700";
const books = await (await fetch(base + "/api/books")).json();
const id = (books.books ?? books)[0].id;
for (const [name, width, height, locale] of [["d", 1440, 900, "en"], ["p", 390, 844, "de"]]) {
  const page = await browser.newPage({ viewport: { width, height }, locale, isMobile: name === "p", hasTouch: name === "p" });
  await page.goto(`${base}/book/${id}`); await page.waitForTimeout(500); await page.screenshot({ path: `/tmp/s-${name}-book.png` });
  await page.goto(`${base}/read/${id}/3`); await page.waitForSelector(".player[data-live]"); await page.locator(".play").click(); await page.waitForTimeout(4000); await page.screenshot({ path: `/tmp/s-${name}-read.png` });
  if (name === "p") { await page.locator(".fold").click(); await page.waitForTimeout(300); await page.screenshot({ path: `/tmp/s-${name}-unfold.png` }); await page.locator(".choice.sleep").click(); await page.waitForTimeout(300); await page.screenshot({ path: `/tmp/s-${name}-sleep.png` }); }
  else { await page.locator(".choice.speed").click(); await page.waitForTimeout(300); await page.screenshot({ path: `/tmp/s-${name}-speed.png` }); }
  await page.goto(`${base}/settings`); await page.waitForTimeout(300); await page.screenshot({ path: `/tmp/s-${name}-settings.png`, fullPage: true });
  await page.goto(`${base}/`); await page.waitForTimeout(300); await page.screenshot({ path: `/tmp/s-${name}-lib.png` });
}
await browser.close();
