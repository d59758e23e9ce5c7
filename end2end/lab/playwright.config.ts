import { defineConfig } from "@playwright/test";
import { launchOptions } from "../harness/browser.mjs";
import { lab } from "./lab.mjs";

export default defineConfig({
  testDir: ".",
  // The journey makes the site; what else there is goes on from there.
  projects: [
    { name: "network", testMatch: "network.spec.ts" },
    { name: "journey", testMatch: "journey.spec.ts" },
    { name: "certificates", testMatch: "certificates.spec.ts", dependencies: ["journey"] },
  ],
  // One lab, one site: one test after another.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 300_000,
  expect: { timeout: 30_000 },
  reporter: [["list", { printSteps: true }], ["../harness/short.mjs"]],
  // Of its own: a run deletes what is in its folder, and the journeys may run at the same time.
  outputDir: "../test-results/lab",
  use: {
    baseURL: lab.url,
    // The lab's manager signed its certificate itself.
    ignoreHTTPSErrors: true,
    browserName: "chromium",
    headless: true,
    launchOptions: launchOptions(),
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    // Every test would record one.
    trace: process.env.CI ? "off" : "retain-on-failure",
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
  },
});
