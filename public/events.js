// Change notifications: one event stream shared by all tabs of a browser.
//
// This script runs in two contexts. In a page it dispatches notifications to the application as
// events on `window`. In a SharedWorker it holds the only EventSource. A page without SharedWorker
// support opens its own EventSource.
//
// Each notification has an event position (`process:number`). The server writes the current
// position into each page as `data-event-position`, and `/events?after=` sends all notifications
// after a position. So none is lost between rendering and connecting, or while disconnected.
//
// Events on `window` for the application:
//   "holdfast-events"  detail: a JSON array of changes, batched
//   "holdfast-link"    detail: "up", "down", or "stale" if changes were missed
// Event from the application:
//   "holdfast-listen"  its listeners are registered
(() => {
  const BATCH_MS = 150;
  const MAX_RETRY_MS = 30_000;
  // Changes that the worker buffers for pages that connect after they were rendered.
  const BUFFER_SIZE = 500;

  const processOf = (position) => position.split(":")[0];
  const numberOf = (position) => Number(position.split(":")[1]);

  // Opens the event stream after a position and reconnects on errors. Calls `notify` with link
  // states and with changes and their positions.
  function openStream(position, notify) {
    let retryMs = 1_000;

    function connect() {
      const source = new EventSource(`/events?after=${encodeURIComponent(position)}`);
      source.addEventListener("hello", () => {
        retryMs = 1_000;
        notify({ link: "up" });
      });
      source.onmessage = (event) => {
        position = event.lastEventId;
        notify({ change: event.data, position });
      };
      source.onerror = () => {
        source.close();
        notify({ link: "down" });
        setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      };
    }

    connect();
  }

  function runWorker() {
    const ports = new Set();
    const buffer = [];
    // The position before the first buffered change. Undefined until the first page connects.
    let bufferStart;
    let link;

    function broadcast(message) {
      link = message.link ?? link;
      if (message.change && processOf(message.position) !== processOf(bufferStart)) {
        // A new server process, whose first changes cover all objects.
        bufferStart = message.position;
        buffer.length = 0;
      }
      if (message.change) buffer.push(message);
      if (buffer.length > BUFFER_SIZE) bufferStart = buffer.shift().position;
      for (const port of ports) port.postMessage(message);
    }

    // Sends the buffered changes after a position, or "stale" if the buffer starts later.
    function replay(port, position) {
      if (processOf(position) !== processOf(bufferStart) || numberOf(position) < numberOf(bufferStart)) {
        port.postMessage({ stale: true });
        return;
      }
      for (const message of buffer) {
        if (numberOf(message.position) > numberOf(position)) port.postMessage(message);
      }
    }

    self.onconnect = (event) => {
      const port = event.ports[0];
      // A page sends its position to subscribe, and "close" to unsubscribe.
      port.onmessage = ({ data }) => {
        if (data === "close") {
          ports.delete(port);
          return;
        }
        ports.add(port);
        if (link) port.postMessage({ link });
        if (bufferStart !== undefined) {
          replay(port, data);
          return;
        }
        bufferStart = data;
        openStream(data, broadcast);
      };
    };
  }

  function runPage(script) {
    const dispatch = (name, detail) => dispatchEvent(new CustomEvent(name, { detail }));
    let pending = [];
    let timer = 0;

    function flush() {
      timer = 0;
      const changes = [...new Set(pending)];
      pending = [];
      dispatch("holdfast-events", `[${changes.join(",")}]`);
    }

    function onMessage(message) {
      if (message.link) dispatch("holdfast-link", message.link);
      if (message.stale) dispatch("holdfast-link", "stale");
      if (message.change) {
        pending.push(message.change);
        timer ||= setTimeout(flush, BATCH_MS);
      }
    }

    addEventListener(
      "holdfast-listen",
      () => {
        const position = document.documentElement.dataset.eventPosition;
        if (typeof SharedWorker === "undefined") {
          openStream(position, onMessage);
          return;
        }
        const worker = new SharedWorker(script);
        worker.port.onmessage = (event) => onMessage(event.data);
        worker.port.start();
        worker.port.postMessage(position);
        // A page in the back/forward cache receives no messages, so it is reloaded when restored.
        addEventListener("pagehide", () => worker.port.postMessage("close"));
        addEventListener("pageshow", (event) => event.persisted && location.reload());
      },
      { once: true },
    );
  }

  if (typeof document === "undefined") runWorker();
  else runPage(document.currentScript.src);
})();
