// What a first visit costs: everything that a page with an empty cache receives until the list of
// containers can be used, bodies as they are sent and headers included. Not counted is the event
// stream, which the shared worker opens afterwards: some hundred bytes of headers.
// And what a second page costs: everything that the browser receives between a click on the first
// container in the list and its page.
// Prints `figure value unit` to a line.

import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { launchOptions } from "../harness/browser.mjs";
import { Server } from "../harness/server.mjs";

const DEADLINE_MS = 60_000;
/** Longer than the application waits before it loads parts of the program ahead. */
const QUIET_MS = 4_000;

// One visit is as quick as it can be, so `--smoke` makes no difference.
parseArgs({ options: { smoke: { type: "boolean" } } });

/** Counts what arrives, as the browser's network stack does. */
class Received {
  #requests = new Map();
  /** When the last request began. */
  #last = 0;

  listen(session) {
    session.on("Network.requestWillBeSent", (event) => {
      this.#last = performance.now();
      // The shared worker's own request, whose end is not reported here, and streams, which have none.
      const ended = event.loaderId === "" || event.type === "EventSource";
      const before = this.#requests.get(event.requestId);
      // A redirect keeps its id; the answer that led on counts too.
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
      // The whole of it, headers included, as the network stack counted.
      if (request) Object.assign(request, { arrived: event.encodedDataLength, ended: true });
    });
    session.on("Network.loadingFailed", (event) => {
      const request = this.#requests.get(event.requestId);
      if (request) request.ended = true;
    });
  }

  /** Waits until every request has ended and for so long none has begun. */
  async settled(quietMs = 0) {
    const deadline = Date.now() + DEADLINE_MS;
    const pending = () => this.list().some(({ ended }) => !ended);
    while (pending() || performance.now() - this.#last < quietMs) {
      if (Date.now() > deadline) throw new Error("The page went on requesting.");
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

/** Presses a column's head until that sorts without loading a document. */
async function usable(page) {
  const head = page.getByRole("columnheader", { name: "Name" });
  const link = head.getByRole("link");
  await link.waitFor();
  // Until the application has taken over, a press would load a document: hold that back, as the
  // measure is of the first document alone.
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const handled = await link.evaluate((element) => {
      const press = new MouseEvent("click", { bubbles: true, cancelable: true, view: window });
      let taken = false;
      const last = (event) => {
        taken = event.defaultPrevented;
        event.preventDefault();
      };
      window.addEventListener("click", last, { once: true });
      element.dispatchEvent(press);
      window.removeEventListener("click", last);
      return taken;
    });
    if (handled) {
      await page.waitForFunction(
        () => document.querySelector("th[aria-sort=descending]") !== null && location.search.includes("sort="),
      );
      return;
    }
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error("The list could not be sorted in time.");
}

/** Follows the link of the first container and waits for its page. */
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
    const received = new Received();
    const session = await context.newCDPSession(page);
    received.listen(session);
    await session.send("Network.enable");
    const start = performance.now();
    await page.goto("/containers", { waitUntil: "commit" });
    await usable(page);
    const took = Math.round(performance.now() - start);
    const first = received.list();
    // The demonstration's first jobs change the page, and parts of the program are loaded ahead.
    await received.settled(QUIET_MS);
    received.clear();
    await openContainer(page);
    await received.settled();
    const second = received.list();

    print("resource", first);
    print("second_page_resource", second);
    console.log(`first_visit_bytes ${sum(first)} bytes`);
    console.log(`first_visit_requests ${first.length} requests`);
    console.log(`first_visit_usable ${took} ms`);
    console.log(`second_page_bytes ${sum(second)} bytes`);
    console.log(`second_page_requests ${second.length} requests`);
  } finally {
    await browser.close();
  }
} finally {
  await server.stop();
}
