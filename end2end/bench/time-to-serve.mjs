// Measures the time from the click on Create in the browser until a client in the site's network
// receives a page of the new container over TLS through the edge host. Runs within the lab.

import { parseArgs } from "node:util";
import { visit } from "../harness/hydration.mjs";
import { tryOn } from "../lab/lab.mjs";
import { PUBLIC, withSite } from "../lab/site.mjs";

const NAME = "quick";
const DEADLINE_MS = 180_000;

// With `--smoke` the simulated image pull takes no time: see `xtask/src/bench.rs`.
parseArgs({ options: { smoke: { type: "boolean" } } });

await withSite(async (page) => {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Template or image").fill("docker.io/library/nginx:1.27");
  const web = page.getByRole("group", { name: "Service 1" });
  await web.getByLabel("Domain", { exact: true }).selectOption(PUBLIC);
  const button = page.getByRole("button", { name: "Create container" });
  await button.waitFor();
  const start = performance.now();
  await button.click();
  for (;;) {
    const { code, stdout } = await tryOn("client", `curl --silent --fail --insecure --max-time 2 https://${NAME}.${PUBLIC}/`);
    if (code === 0 && stdout.startsWith(`${NAME}:80 GET /`)) break;
    if (performance.now() - start > DEADLINE_MS) throw new Error("The page was not served before the deadline.");
    await new Promise((done) => setTimeout(done, 100));
  }
  console.log(`time_to_serve ${((performance.now() - start) / 1000).toFixed(1)} s`);
});
