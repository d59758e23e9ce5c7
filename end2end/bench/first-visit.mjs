// What a first visit costs: everything that a page with an empty cache receives until the list of
// containers can be used, bodies as they are sent and headers included. Not counted is the event
// stream, which the shared worker opens afterwards: some hundred bytes of headers.
// Prints `figure value unit` to a line.

import { chromium } from "playwright-core";
import { launchOptions } from "../harness/browser.mjs";
import { Server } from "../harness/server.mjs";

const DEADLINE_MS = 30_000;

/** Counts what arrives, as the browser's network stack does. */
class Received {
  #requests = new Map();

  listen(session) {
    session.on("Network.requestWillBeSent", (event) => {
      const before = this.#requests.get(event.requestId);
      // A redirect keeps its id; the answer that led on counts too.
      const bytes = (before?.bytes ?? 0) + (event.redirectResponse?.encodedDataLength ?? 0);
      this.#requests.set(event.requestId, { url: event.request.url, bytes, arrived: 0 });
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
      if (request) request.arrived = event.encodedDataLength;
    });
  }

  list() {
    return [...this.#requests.values()]
      .map(({ url, bytes, arrived }) => ({ url, bytes: bytes + arrived }))
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
    const list = received.list();
    for (const { url, bytes } of list) {
      const { pathname } = new URL(url);
      console.log(`resource ${bytes} bytes ${pathname}`);
    }
    const bytes = list.reduce((sum, each) => sum + each.bytes, 0);
    console.log(`first_visit_bytes ${bytes} bytes`);
    console.log(`first_visit_requests ${list.length} requests`);
    console.log(`first_visit_usable ${took} ms`);
  } finally {
    await browser.close();
  }
} finally {
  await server.stop();
}
