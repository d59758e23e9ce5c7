// Live changes: one event stream for all tabs of a browser.
//
// This file is two programs. In a page it forwards what it hears to the application as events on
// `window`; in a SharedWorker it holds the one EventSource. Where there is no SharedWorker, the
// page holds an EventSource of its own.
//
// A place, as the server writes it (`process:number`), says how far the changes have come. The
// server writes into each page the place that it was made at, and tells what came after a place,
// so that no change is missed between the page and its stream, nor while the stream was away.
//
// To the page's `window`:
//   "holdfast-events"  detail: a JSON array of changes, gathered for a moment
//   "holdfast-link"    detail: "up" or "down"
// From the application: "holdfast-listen" when it is ready to hear.
(() => {
  const GATHER_MS = 150;
  const LONGEST_WAIT_MS = 30_000;
  // Changes that the worker keeps for pages that were made before their tab reached it.
  const KEPT = 500;

  const number = (place) => Number(place.split(":")[1]);
  const process = (place) => place.split(":")[0];

  // Opens the stream after a place and keeps it open; tells `say` about the link's state and about
  // changes, each with its place.
  function stream(after, say) {
    let wait = 1_000;

    function open() {
      const source = new EventSource(`/events?after=${encodeURIComponent(after)}`);
      source.addEventListener("hello", () => {
        wait = 1_000;
        say({ link: "up" });
      });
      source.onmessage = (message) => {
        after = message.lastEventId;
        say({ change: message.data, place: after });
      };
      source.onerror = () => {
        source.close();
        say({ link: "down" });
        setTimeout(open, wait * (0.75 + Math.random() / 2));
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      };
    }

    open();
  }

  function work() {
    const ports = new Set();
    const kept = [];
    let link;
    let begin;

    function hear(word) {
      link = word.link ?? link;
      if (word.change && process(word.place) !== process(begin)) {
        // Another process of the server, which has told that everything changed.
        begin = word.place;
        kept.length = 0;
      }
      if (word.change) kept.push(word);
      if (kept.length > KEPT) begin = kept.shift().place;
      for (const port of ports) port.postMessage(word);
    }

    // A page that knows less than the kept changes reach back for has to ask for everything.
    function catchUp(port, place) {
      if (process(place) !== process(begin) || number(place) < number(begin)) {
        port.postMessage({ stale: true });
        return;
      }
      for (const word of kept) if (number(word.place) > number(place)) port.postMessage(word);
    }

    self.onconnect = (event) => {
      const port = event.ports[0];
      port.onmessage = ({ data }) => {
        if (data === "bye") {
          ports.delete(port);
          return;
        }
        ports.add(port);
        if (link) port.postMessage({ link });
        if (begin !== undefined) {
          catchUp(port, data);
          return;
        }
        begin = data;
        stream(data, hear);
      };
    };
  }

  function listen(script) {
    const tell = (name, detail) => dispatchEvent(new CustomEvent(name, { detail }));
    let gathered = [];
    let timer = 0;

    function flush() {
      timer = 0;
      const changes = [...new Set(gathered)];
      gathered = [];
      tell("holdfast-events", `[${changes.join(",")}]`);
    }

    function say(word) {
      if (word.link) tell("holdfast-link", word.link);
      if (word.stale) tell("holdfast-link", "stale");
      if (word.change) {
        gathered.push(word.change);
        timer ||= setTimeout(flush, GATHER_MS);
      }
    }

    addEventListener(
      "holdfast-listen",
      () => {
        const place = document.documentElement.dataset.eventPosition;
        if (typeof SharedWorker === "undefined") {
          stream(place, say);
          return;
        }
        const worker = new SharedWorker(script);
        worker.port.onmessage = (message) => say(message.data);
        worker.port.start();
        worker.port.postMessage(place);
        // A page that is kept for "back" hears nothing meanwhile; it is loaded again instead.
        addEventListener("pagehide", () => worker.port.postMessage("bye"));
        addEventListener("pageshow", (event) => event.persisted && location.reload());
      },
      { once: true },
    );
  }

  if (typeof document === "undefined") work();
  else listen(document.currentScript.src);
})();
