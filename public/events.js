// Live changes: one event stream for all tabs of a browser.
//
// This file is two programs. In a page it forwards what it hears to the application as events on
// `window`; in a SharedWorker it holds the one EventSource. Where there is no SharedWorker, the
// page holds an EventSource of its own.
//
// To the page's `window`:
//   "holdfast-events"  detail: a JSON array of changes, gathered for a moment
//   "holdfast-link"    detail: "up" after (re)connecting (all that is shown may be old), "fresh" when the
//                      page is no older than the stream, or "down"
// From the application: "holdfast-listen" when it is ready to hear.
(() => {
  const GATHER_MS = 150;
  const LONGEST_WAIT_MS = 30_000;

  // Opens the stream and keeps it open; tells `say` about changes and the link's state.
  function stream(say) {
    let wait = 1_000;
    let gathered = [];
    let place;
    let timer = 0;

    function flush() {
      timer = 0;
      const changes = [...new Set(gathered)];
      gathered = [];
      say({ events: `[${changes.join(",")}]`, place });
    }

    function open() {
      const source = new EventSource("/events");
      source.addEventListener("hello", (message) => {
        wait = 1_000;
        say({ link: "up", place: message.data });
      });
      source.onmessage = (message) => {
        place = message.lastEventId;
        gathered.push(message.data);
        timer ||= setTimeout(flush, GATHER_MS);
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
    let link;
    let place;
    self.onconnect = (event) => {
      const port = event.ports[0];
      ports.add(port);
      port.onmessage = () => ports.delete(port);
      if (link) port.postMessage({ link, place });
      if (ports.size === 1 && link === undefined) {
        link = "";
        stream((word) => {
          link = word.link ?? link;
          place = word.place ?? place;
          for (const each of ports) each.postMessage(word);
        });
      }
    };
  }

  // Whether a page with the changes up to `page` has all those up to `stream`, both as the server
  // writes them: its process, and a number that grows.
  function has(page, stream) {
    const [process, number] = (page ?? "").split(":");
    const [of, upTo] = (stream ?? "").split(":");
    return process === of && Number(upTo) <= Number(number);
  }

  function listen(script) {
    // What the page was made with; after the first word it is as new as the stream or asks anew.
    let made = document.documentElement.dataset.place;
    const say = (word) => {
      if (word.link) {
        const fresh = word.link === "up" && has(made, word.place);
        if (word.link === "up") made = undefined;
        dispatchEvent(new CustomEvent("holdfast-link", { detail: fresh ? "fresh" : word.link }));
      }
      if (word.events) dispatchEvent(new CustomEvent("holdfast-events", { detail: word.events }));
    };
    addEventListener(
      "holdfast-listen",
      () => {
        if (typeof SharedWorker === "undefined") {
          stream(say);
          return;
        }
        const worker = new SharedWorker(script);
        worker.port.onmessage = (message) => say(message.data);
        worker.port.start();
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
