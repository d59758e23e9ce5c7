import { readdirSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import { launchOptions } from "./harness/browser.mjs";

// One project per file. A worker belongs to one project, so each file has its own server and files cannot
// affect each other.
const journeys = readdirSync(new URL("journeys/", import.meta.url)).filter((file) => file.endsWith(".spec.ts"));
const files = ["axe.spec.ts", ...journeys.map((file) => `journeys/${file}`)];

/** Journeys that watch or interrupt jobs. Their simulated cluster is as slow as a real one. */
const PACED = ["axe", "create-container", "create-from-template", "jobs", "live", "power"];
/** Speed factor of the simulated cluster in all other journeys. */
const SPEED = 5;

const missing = PACED.filter((name) => !files.some((file) => file.endsWith(`${name}.spec.ts`)));
if (missing.length > 0) throw new Error(`no spec file exists for: ${missing.join(", ")}`);

export default defineConfig<object, { speed: number }>({
  testDir: ".",
  projects: files.map((file) => {
    const name = file.replace(/^journeys\/|\.spec\.ts$/g, "");
    return { name, testMatch: file, use: { speed: PACED.includes(name) ? 1 : SPEED } };
  }),
  // Each worker has its own server. The tests of a file share it and run serially.
  workers: 2,
  // Retries would hide unstable tests.
  retries: 0,
  forbidOnly: true,
  // At real speed the simulated cluster needs about 10 s to create a container.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list", { printSteps: false }], ["./harness/failure-summary.mjs"]],
  outputDir: "test-results/journeys",
  use: {
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
