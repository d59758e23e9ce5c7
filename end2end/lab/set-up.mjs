// Creates the site for an interactive lab, as the journey does.

import { chromium } from "playwright-core";
import { trackHydration } from "../harness/hydration.mjs";
import { launchOptions } from "../harness/browser.mjs";
import { lab } from "./lab.mjs";
import { buildSite, requestLease, signIn } from "./site.mjs";

const browser = await chromium.launch(launchOptions());
try {
  const context = await browser.newContext({ baseURL: lab.url, ignoreHTTPSErrors: true });
  await trackHydration(context);
  const page = await context.newPage();
  await signIn(page);
  await buildSite(page);
  await requestLease();
} finally {
  await browser.close();
}
