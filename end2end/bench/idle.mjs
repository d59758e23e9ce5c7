// Measures the idle server: the time from start to readiness, and the resident memory after 1,000 page
// views, with and without the demo's simulated cluster. `--smoke` measures after a few views.
// Prints lines of `figure value unit`.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Server } from "../harness/server.mjs";

const { values: options } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
const VIEWS = options.smoke ? 10 : 1000;
/** Number of concurrent clients. */
const CLIENTS = 4;
/** Memory is stable when it has changed by less than `kib` for `seconds`. */
const STABLE = { kib: 256, seconds: options.smoke ? 2 : 15, deadline: 120 };

const LISTS = [
  "containers",
  "jobs",
  "sites",
  "domains",
  "certificates",
  "clusters",
  "nodes",
  "hosts",
  "authorities",
  "providers",
  "users",
].map((name) => `/${name}`);

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Loads a page completely with the session cookie. */
async function view(server, cookie, path) {
  const response = await fetch(`${server.url}${path}`, { headers: { cookie } });
  const html = await response.text();
  if (!response.ok || response.redirected || !html.includes("<main")) {
    throw new Error(`${path} responded with status ${response.status} at ${response.url}.`);
  }
  return html;
}

/** Paths of all lists, and of the first object of each list. */
async function pages(server, cookie) {
  const paths = [];
  for (const list of LISTS) {
    paths.push(list);
    const html = await view(server, cookie, list);
    const main = html.slice(html.indexOf("<main"));
    const objects = [...main.matchAll(/href="([^"?#]+)"/g)]
      .map(([, path]) => path)
      .filter((path) => path.startsWith("/") && path.includes(`${list}/`) && !/\/(new|import)$/.test(path));
    if (objects.length > 0) paths.push(objects[0]);
  }
  if (!paths.includes(`/users/${server.administrator.name}`)) {
    throw new Error(`No page of an object was found: ${paths.join(" ")}`);
  }
  return paths;
}

async function residentKib(server) {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]);
}

/** Returns the resident memory in KiB once it is stable. */
async function stableResidentKib(server) {
  const recent = [];
  for (let second = 0; second < STABLE.deadline; second += 1) {
    recent.push(await residentKib(server));
    const last = recent.slice(-STABLE.seconds);
    if (last.length === STABLE.seconds && Math.max(...last) - Math.min(...last) < STABLE.kib) return recent.at(-1);
    await sleep(1000);
  }
  throw new Error(`Memory was not stable within ${STABLE.deadline} s: ${recent.join(" ")} KiB.`);
}

async function measure(suffix, demo) {
  const server = await Server.start({ demo, speed: 100 });
  try {
    if (demo) await server.waitForDemo();
    const { cookies } = await server.signIn(server.administrator);
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
    const paths = await pages(server, cookie);
    let next = 0;
    const client = async () => {
      while (next < VIEWS) await view(server, cookie, paths[next++ % paths.length]);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const megabytes = ((await stableResidentKib(server)) * 1024) / 1e6;
    console.log(`idle_memory${suffix}_mb ${megabytes.toFixed(1)} MB`);
    console.log(`start${suffix}_ms ${Math.round(server.startMs)} ms`);
  } finally {
    await server.stop();
  }
}

await measure("", false);
await measure("_demo", "full");
