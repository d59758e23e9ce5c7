import { readdirSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import { launchOptions } from "./harness/browser.mjs";

// A project for each file, since a worker belongs to one project: so each file has a server of its
// own, and what one leaves there is never met by another, whichever worker is free first.
const journeys = readdirSync(new URL("journeys/", import.meta.url)).filter((file) => file.endsWith(".spec.ts"));
const files = ["axe.spec.ts", ...journeys.map((file) => `journeys/${file}`)];

/** Journeys in which a person watches or interrupts work: their simulated cluster takes as long as a
 *  real one. */
const PACED = ["axe", "create-container", "create-from-template", "jobs", "power"];
/** How many times faster it is elsewhere. */
const SPEED = 5;

const missing = PACED.filter((name) => !files.some((file) => file.endsWith(`${name}.spec.ts`)));
if (missing.length > 0) throw new Error(`no file has these names: ${missing.join(", ")}`);

export default defineConfig<object, { speed: number }>({
  testDir: ".",
  projects: files.map((file) => {
    const name = file.replace(/^journeys\/|\.spec\.ts$/g, "");
    return { name, testMatch: file, use: { speed: PACED.includes(name) ? 1 : SPEED } };
  }),
  // Each worker has a server of its own; one file's tests share it, one after another.
  workers: 2,
  // A test that passes at the second try hides a fault.
  retries: 0,
  forbidOnly: true,
  // The simulated cluster of some journeys takes its time as a real one does: some 10 s for a container.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list", { printSteps: false }], ["./harness/short.mjs"]],
  outputDir: "test-results/journeys",
  use: {
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
