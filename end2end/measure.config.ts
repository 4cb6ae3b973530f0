import { defineConfig, devices } from "@playwright/test";
import { launchOptions, timeouts } from "./support/browser";

// `make bench`: figures for the README, from a release build. Nothing here asserts a time.
export default defineConfig({
  ...timeouts,
  timeout: 300_000,
  testDir: "measure",
  workers: 1,
  reporter: "list",
  use: {
    launchOptions: {
      ...launchOptions,
      args: [...(launchOptions.args ?? []), "--autoplay-policy=no-user-gesture-required"],
    },
  },
  projects: [{ name: "desktop", use: { ...devices["Desktop Chrome"] } }],
});
