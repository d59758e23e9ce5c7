// Measures a first visit: all bytes that a page with an empty cache receives until the list of
// containers is interactive, including headers and compressed bodies. The event stream, which the
// shared worker opens later, is not counted: about a hundred bytes of headers.
// Also measures a second page: all bytes between a click on the first container in the list and the
// loaded page.
// Prints lines of `figure value unit`.

import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { launchOptions } from "../harness/browser.mjs";
import { Server } from "../harness/server.mjs";

const DEADLINE_MS = 60_000;
/** Longer than the delay before the application prefetches WebAssembly modules. */
const QUIET_MS = 4_000;

// One visit is already the minimal workload, so `--smoke` is accepted and ignored.
parseArgs({ options: { smoke: { type: "boolean" } } });

/** Counts received bytes as reported by the browser's network stack. */
class ReceivedBytes {
  #requests = new Map();
  /** Time of the last request start. */
  #last = 0;

  listen(session) {
    session.on("Network.requestWillBeSent", (event) => {
      this.#last = performance.now();
      // The shared worker's request and event streams have no `loadingFinished` event here.
      const ended = event.loaderId === "" || event.type === "EventSource";
      const before = this.#requests.get(event.requestId);
      // A redirect keeps the request ID. The redirect response is counted too.
      const bytes = (before?.bytes ?? 0) + (event.redirectResponse?.encodedDataLength ?? 0);
      this.#requests.set(event.requestId, { url: event.request.url, bytes, arrived: 0, ended });
    });
    session.on("Network.responseReceived", (event) => {
      const request = this.#requests.get(event.requestId);
      if (request) request.arrived = event.response.encodedDataLength;
    });
    session.on("Network.dataReceived", (event) => {
      const request = this.#requests.get(event.requestId);
      if (request) request.arrived += event.encodedDataLength;
    });
    session.on("Network.loadingFinished", (event) => {
      const request = this.#requests.get(event.requestId);
      // Total size including headers.
      if (request) Object.assign(request, { arrived: event.encodedDataLength, ended: true });
    });
    session.on("Network.loadingFailed", (event) => {
      const request = this.#requests.get(event.requestId);
      if (request) request.ended = true;
    });
  }

  /** Waits until all requests have ended and none has started for `quietMs`. */
  async waitUntilIdle(quietMs = 0) {
    const deadline = Date.now() + DEADLINE_MS;
    const pending = () => this.list().some(({ ended }) => !ended);
    while (pending() || performance.now() - this.#last < quietMs) {
      if (Date.now() > deadline) throw new Error("The page did not stop sending requests.");
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  clear() {
    this.#requests.clear();
  }

  list() {
    return [...this.#requests.values()]
      .map(({ url, bytes, arrived, ended }) => ({ url, bytes: bytes + arrived, ended }))
      .filter(({ url }) => url.startsWith("http"));
  }
}

/** Clicks a column header until the application handles the click. */
async function waitUntilInteractive(page) {
  const header = page.getByRole("columnheader", { name: "Name" });
  const link = header.getByRole("link");
  await link.waitFor();
  // Before hydration a click would load a new document. The navigation is prevented, since only the
  // first document is measured.
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const handled = await link.evaluate((element) => {
      const click = new MouseEvent("click", { bubbles: true, cancelable: true, view: window });
      let isHandled = false;
      const last = (event) => {
        isHandled = event.defaultPrevented;
        event.preventDefault();
      };
      window.addEventListener("click", last, { once: true });
      element.dispatchEvent(click);
      window.removeEventListener("click", last);
      return isHandled;
    });
    if (handled) {
      await page.waitForFunction(
        () => document.querySelector("th[aria-sort=descending]") !== null && location.search.includes("sort="),
      );
      return;
    }
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error("The list could not be sorted before the deadline.");
}

/** Opens the first container of the list and waits for its page. */
async function openContainer(page) {
  const link = page.getByRole("table").getByRole("row").nth(1).getByRole("link").first();
  const name = await link.textContent();
  await link.click();
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  await page.waitForFunction(() => document.querySelector('.loaded[aria-busy="true"]') === null);
}

function print(kind, list) {
  for (const { url, bytes } of list) {
    console.log(`${kind} ${bytes} bytes ${new URL(url).pathname}`);
  }
}

const sum = (list) => list.reduce((bytes, each) => bytes + each.bytes, 0);

const server = await Server.start();
try {
  const browser = await chromium.launch(launchOptions());
  try {
    const context = await browser.newContext({
      baseURL: server.url,
      storageState: await server.signIn(server.administrator),
      viewport: { width: 1440, height: 900 },
    });
    const page = await context.newPage();
    const received = new ReceivedBytes();
    const session = await context.newCDPSession(page);
    received.listen(session);
    await session.send("Network.enable");
    const start = performance.now();
    await page.goto("/containers", { waitUntil: "commit" });
    await waitUntilInteractive(page);
    const elapsed = Math.round(performance.now() - start);
    const first = received.list();
    // The demo's first jobs update the page, and WebAssembly modules are prefetched.
    await received.waitUntilIdle(QUIET_MS);
    received.clear();
    await openContainer(page);
    await received.waitUntilIdle();
    const second = received.list();

    print("resource", first);
    print("second_page_resource", second);
    console.log(`first_visit_bytes ${sum(first)} bytes`);
    console.log(`first_visit_requests ${first.length} requests`);
    console.log(`first_visit_usable ${elapsed} ms`);
    console.log(`second_page_bytes ${sum(second)} bytes`);
    console.log(`second_page_requests ${second.length} requests`);
  } finally {
    await browser.close();
  }
} finally {
  await server.stop();
}
