import { defineConfig } from "@playwright/test";
import { launchOptions } from "./harness/browser.mjs";

export default defineConfig({
  testDir: ".",
  testMatch: ["journeys/*.spec.ts", "axe.spec.ts"],
  // Each worker has a server of its own; one file's tests share it, one after another.
  workers: 2,
  // A test that passes at the second try hides a fault.
  retries: 0,
  forbidOnly: true,
  // The simulated cluster takes its time as a real one does: some 10 s for a container.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list", { printSteps: false }], ["./harness/short.mjs"]],
  outputDir: "test-results",
  use: {
    browserName: "chromium",
    headless: true,
    launchOptions: launchOptions(),
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
  },
});
