import { defineConfig } from "@playwright/test";
import { launchOptions } from "../harness/browser.mjs";
import { lab } from "./lab.mjs";

export default defineConfig({
  testDir: ".",
  // The journey creates the site that the others use.
  projects: [
    { name: "network", testMatch: "network.spec.ts" },
    { name: "journey", testMatch: "journey.spec.ts" },
    { name: "hostile", testMatch: "hostile.spec.ts", dependencies: ["journey"] },
    { name: "certificates", testMatch: "certificates.spec.ts", dependencies: ["journey"] },
  ],
  // All tests share one lab and one site, so they run serially.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 300_000,
  expect: { timeout: 30_000 },
  reporter: [["list", { printSteps: true }], ["../harness/failure-summary.mjs"]],
  // A separate directory, since a run deletes its output directory and the journeys may run concurrently.
  outputDir: "../test-results/lab",
  use: {
    baseURL: lab.url,
    // The lab's manager has a self-signed certificate.
    ignoreHTTPSErrors: true,
    browserName: "chromium",
    headless: true,
    launchOptions: launchOptions(),
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    // Recording traces in CI would slow down every test.
    trace: process.env.CI ? "off" : "retain-on-failure",
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
  },
});
