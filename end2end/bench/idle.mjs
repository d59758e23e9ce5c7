// What the program costs when no one uses it: how long it takes from its start until it is ready,
// and how much memory stays resident after 1,000 views of pages, with the demonstration's simulated
// cluster inside and without. `--smoke` measures after a few views, to try the bench itself.
// Prints `figure value unit` to a line.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Server } from "../harness/server.mjs";

const { values: options } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
const VIEWS = options.smoke ? 10 : 1000;
/** How many people look at pages at the same time. */
const PEOPLE = 4;
/** Memory is at rest when it has changed by less than this for so long. */
const REST = { kib: 256, seconds: options.smoke ? 2 : 15, deadline: 120 };

const LISTS = [
  "containers",
  "jobs",
  "sites",
  "domains",
  "certificates",
  "clusters",
  "nodes",
  "agents",
  "authorities",
  "providers",
  "users",
].map((name) => `/${name}`);

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Loads a page whole, as the person who is signed in. */
async function view(server, cookie, path) {
  const response = await fetch(`${server.url}${path}`, { headers: { cookie } });
  const html = await response.text();
  if (!response.ok || response.redirected || !html.includes("<main")) {
    throw new Error(`${path} was answered with ${response.status} at ${response.url}.`);
  }
  return html;
}

/** Every list, and the first object of those that have one. */
async function pages(server, cookie) {
  const found = [];
  for (const list of LISTS) {
    found.push(list);
    const html = await view(server, cookie, list);
    const main = html.slice(html.indexOf("<main"));
    const objects = [...main.matchAll(/href="([^"?#]+)"/g)]
      .map(([, path]) => path)
      .filter((path) => path.startsWith("/") && path.includes(`${list}/`) && !/\/(new|import)$/.test(path));
    if (objects.length > 0) found.push(objects[0]);
  }
  if (!found.includes(`/users/${server.administrator.name}`)) {
    throw new Error(`No page of an object was found: ${found.join(" ")}`);
  }
  return found;
}

async function residentKib(server) {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]);
}

/** What is resident once that has stopped changing. */
async function atRest(server) {
  const recent = [];
  for (let second = 0; second < REST.deadline; second += 1) {
    recent.push(await residentKib(server));
    const last = recent.slice(-REST.seconds);
    if (last.length === REST.seconds && Math.max(...last) - Math.min(...last) < REST.kib) return recent.at(-1);
    await sleep(1000);
  }
  throw new Error(`Memory did not come to rest within ${REST.deadline} s: ${recent.join(" ")} KiB.`);
}

async function measure(suffix, demo) {
  const server = await Server.start({ demo, speed: 100 });
  try {
    if (demo) await server.demoComplete();
    const { cookies } = await server.signIn(server.administrator);
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
    const paths = await pages(server, cookie);
    let next = 0;
    const person = async () => {
      while (next < VIEWS) await view(server, cookie, paths[next++ % paths.length]);
    };
    await Promise.all(Array.from({ length: PEOPLE }, person));
    const megabytes = ((await atRest(server)) * 1024) / 1e6;
    console.log(`idle_memory${suffix}_mb ${megabytes.toFixed(1)} MB`);
    console.log(`start${suffix}_ms ${Math.round(server.startMs)} ms`);
  } finally {
    await server.stop();
  }
}

await measure("", false);
await measure("_demo", "full");
