import { chromium, devices } from "@playwright/test";
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const base = "http://127.0.0.1:3999";
const books = await (await fetch(base + "/api/books")).json();
const id = books.find((b) => /Sherlock/.test(b.title)).id;
const small = books.find((b) => /Waste/.test(b.title)).id;
for (const [name, opts] of [["desktop", { viewport: { width: 1440, height: 900 } }], ["phone", devices["Pixel 7"]]]) {
  const page = await (await browser.newContext(opts)).newPage();
  await page.goto(`${base}/book/${id}/narration`);
  await page.screenshot({ path: `/tmp/n1-${name}.png`, fullPage: true });
  if (name === "desktop") {
    await page.getByLabel("Chapters").fill("2");
    await page.getByRole("button", { name: "See what it takes" }).click();
    await page.getByRole("button", { name: "Make it ready" }).click();
    await page.goto(`${base}/book/${small}/narration`);
    await page.getByRole("button", { name: "Make it ready" }).click();
    await page.waitForURL(/narrations/);
    await page.waitForTimeout(4000);
  } else await page.goto(`${base}/narrations`);
  await page.screenshot({ path: `/tmp/n2-${name}.png`, fullPage: true });
  await page.goto(base + "/");
  await page.screenshot({ path: `/tmp/n3-${name}.png` });
}
await browser.close();
