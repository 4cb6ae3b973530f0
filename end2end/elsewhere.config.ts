import { defineConfig } from "@playwright/test";

// A short path through the reader in the system's Firefox and WebKitGTK.
export default defineConfig({
  testDir: "elsewhere",
  timeout: 180_000,
  workers: 1,
  forbidOnly: !!process.env.CI,
  retries: process.env.CI ? 1 : 0,
  reporter: "list",
});
