// Makes a site for whoever starts the lab to look around: what the journey begins with.

import { chromium } from "playwright-core";
import { tellWhenAlive } from "../harness/alive.mjs";
import { launchOptions } from "../harness/browser.mjs";
import { lab } from "./lab.mjs";
import { build, lease, signIn } from "./site.mjs";

const browser = await chromium.launch(launchOptions());
try {
  const context = await browser.newContext({ baseURL: lab.url, ignoreHTTPSErrors: true });
  await tellWhenAlive(context);
  const page = await context.newPage();
  await signIn(page);
  await build(page);
  await lease();
} finally {
  await browser.close();
}
