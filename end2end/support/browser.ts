import { existsSync } from "node:fs";
import { chromium, type LaunchOptions } from "@playwright/test";

/** Playwright's own Chromium where it was downloaded, else the system's. */
function executablePath(): string | undefined {
  if (existsSync(chromium.executablePath())) return undefined;
  return ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
}

export const launchOptions: LaunchOptions = {
  executablePath: executablePath(),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
};

export const timeouts = { timeout: 60_000, expect: { timeout: 10_000 } };
