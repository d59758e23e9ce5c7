// A watch over browsers: what goes wrong in them, unless a test expects it.

import type { BrowserContext } from "@playwright/test";
import { tellWhenAlive } from "./alive.mjs";

/** Something that went wrong: an answer or a browser's message about one has a status, a request
 *  that got no answer has the browser's reason. */
type Fault = { text: string; url?: string; status?: number; reason?: string; isMessage?: boolean };

/** Something that has to go wrong in a test, at least once: an answer or a request, which the browser
 *  may have a message about too, or a message alone. */
type Expectation = { text: string; kind: "request" | "message"; covers: (fault: Fault) => boolean; isMet: boolean };

/** What Chromium says beside an answer with an error. */
const FAILED_TO_LOAD = /^Failed to load resource: the server responded with a status of (\d+)/;

/** Collects what goes wrong in browsers. */
export class Watch {
  private readonly found: Fault[] = [];
  private readonly expected: Expectation[] = [];

  /**
   * Expects answers with this status at an address: the whole path, or a pattern for the path with
   * its query. There has to be one.
   */
  expect(status: number, at: string | RegExp): void {
    this.expected.push({
      text: `answer ${status}: ${at}`,
      kind: "request",
      covers: (fault) => fault.status === status && isAt(fault.url, at),
      isMet: false,
    });
  }

  /** Expects requests to these addresses to fail for the browser's reason. There has to be one. */
  expectFailedRequest(reason: string, at: string | RegExp): void {
    this.expected.push({
      text: `request: ${reason} ${at}`,
      kind: "request",
      covers: (fault) => fault.reason === reason && isAt(fault.url, at),
      isMet: false,
    });
  }

  /** Expects messages of the browser that name an address in their text. There has to be one. */
  expectMessage(text: RegExp): void {
    this.expected.push({
      text: `message: ${text}`,
      kind: "message",
      covers: (fault) => Boolean(fault.isMessage) && text.test(fault.text),
      isMet: false,
    });
  }

  async over(context: BrowserContext): Promise<void> {
    await tellWhenAlive(context);
    context.on("page", (page) => {
      page.on("pageerror", (error) => this.found.push({ text: `error: ${error.stack ?? error}` }));
      page.on("crash", () => this.found.push({ text: "the page crashed" }));
    });
    context.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      const { url } = message.location();
      const status = FAILED_TO_LOAD.exec(message.text())?.[1];
      const text = `console: ${message.text()} (${url})`;
      this.found.push({ text, url, status: status ? Number(status) : undefined, isMessage: true });
    });
    context.on("response", (response) => {
      const [status, url] = [response.status(), response.url()];
      if (status < 400) return;
      this.found.push({ text: `answer ${status}: ${response.request().method()} ${url}`, url, status });
    });
    context.on("requestfailed", (request) => {
      const [reason, url] = [request.failure()?.errorText ?? "", request.url()];
      // A page that is left takes its open requests with it; that is no failure.
      if (reason !== "net::ERR_ABORTED") this.found.push({ text: `request: ${reason} ${url}`, url, reason });
    });
  }

  /** Forgets what went wrong, and what was expected: the browsers are used for something else now. */
  begin(): void {
    this.found.length = 0;
    this.expected.length = 0;
  }

  /** What went wrong and was not expected, and what was expected and did not. */
  faults(): string[] {
    const faults: string[] = [];
    for (const fault of this.found) {
      const covering = this.expected.filter(({ covers }) => covers(fault));
      if (covering.length === 0) faults.push(fault.text);
      for (const expectation of covering) expectation.isMet ||= expectation.kind === "message" || !fault.isMessage;
    }
    const missing = this.expected.filter(({ isMet }) => !isMet);
    return [...faults, ...missing.map(({ text }) => `expected and did not happen: ${text}`)];
  }
}

/** Whether an address has this path, or its path and query match the pattern. */
function isAt(url: string | undefined, at: string | RegExp): boolean {
  if (!url || !URL.canParse(url)) return false;
  const { pathname, search } = new URL(url);
  return typeof at === "string" ? pathname === at : at.test(pathname + search);
}
