// How long it is from pressing Create, in the browser, to a page of the new container over TLS
// through the edge host, asked by a client in the site's network. Run within the lab.

import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { tellWhenAlive, visit } from "../harness/alive.mjs";
import { launchOptions } from "../harness/browser.mjs";
import { attempt, lab } from "../lab/lab.mjs";
import { PUBLIC, build, lease, signIn } from "../lab/site.mjs";

const NAME = "quick";
const DEADLINE_MS = 180_000;

// With `--smoke`, the pull of an image, which is most of the time, takes none: see `xtask/src/bench.rs`.
parseArgs({ options: { smoke: { type: "boolean" } } });

const browser = await chromium.launch(launchOptions());
try {
  const context = await browser.newContext({ baseURL: lab.url, ignoreHTTPSErrors: true });
  await tellWhenAlive(context);
  const page = await context.newPage();
  await signIn(page);
  await build(page);
  await lease();

  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Template or image").fill("docker.io/library/nginx:1.27");
  const web = page.getByRole("group", { name: "Service 1" });
  await web.getByLabel("Domain", { exact: true }).selectOption(PUBLIC);
  const button = page.getByRole("button", { name: `Create ${NAME}` });
  await button.waitFor();
  const began = performance.now();
  await button.click();
  for (;;) {
    const { code, said } = await attempt("client", `curl --silent --fail --insecure --max-time 2 https://${NAME}.${PUBLIC}/`);
    if (code === 0 && said.startsWith(`${NAME}:80 GET /`)) break;
    if (performance.now() - began > DEADLINE_MS) throw new Error("The page never came.");
    await new Promise((done) => setTimeout(done, 100));
  }
  console.log(`minute_s ${((performance.now() - began) / 1000).toFixed(1)} s`);
} finally {
  await browser.close();
}
