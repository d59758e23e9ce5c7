// Collects errors in browsers, except those that a test expects.

import type { BrowserContext } from "@playwright/test";
import { trackHydration } from "./hydration.mjs";

/** An error. `status` is set for HTTP responses and console messages about them, `reason` for requests
 *  without a response. */
type BrowserError = { text: string; url?: string; status?: number; reason?: string; isMessage?: boolean };

/** An error that must occur in a test at least once: a response or request, optionally with a console
 *  message, or a message only. */
type Expectation = { text: string; kind: "request" | "message"; covers: (error: BrowserError) => boolean; isMet: boolean };

/** Chromium's console message for an HTTP error response. */
const FAILED_TO_LOAD = /^Failed to load resource: the server responded with a status of (\d+)/;

/** Collects errors in browsers. */
export class Watch {
  private readonly observed: BrowserError[] = [];
  private readonly expected: Expectation[] = [];

  /**
   * Expects at least one response with this status at a path, or at a pattern for path and query.
   */
  expect(status: number, pattern: string | RegExp): void {
    this.expected.push({
      text: `response ${status}: ${pattern}`,
      kind: "request",
      covers: (error) => error.status === status && matchesUrl(error.url, pattern),
      isMet: false,
    });
  }

  /** Expects at least one request to this path or pattern to fail for the browser's reason. */
  expectFailedRequest(reason: string, pattern: string | RegExp): void {
    this.expected.push({
      text: `request: ${reason} ${pattern}`,
      kind: "request",
      covers: (error) => error.reason === reason && matchesUrl(error.url, pattern),
      isMet: false,
    });
  }

  /** Expects at least one console message that matches a pattern. */
  expectMessage(text: RegExp): void {
    this.expected.push({
      text: `message: ${text}`,
      kind: "message",
      covers: (error) => Boolean(error.isMessage) && text.test(error.text),
      isMet: false,
    });
  }

  async attach(context: BrowserContext): Promise<void> {
    await trackHydration(context);
    context.on("page", (page) => {
      page.on("pageerror", (error) => this.observed.push({ text: `error: ${error.stack ?? error}` }));
      page.on("crash", () => this.observed.push({ text: "the page crashed" }));
    });
    context.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      const { url } = message.location();
      const status = FAILED_TO_LOAD.exec(message.text())?.[1];
      const text = `console: ${message.text()} (${url})`;
      this.observed.push({ text, url, status: status ? Number(status) : undefined, isMessage: true });
    });
    context.on("response", (response) => {
      const [status, url] = [response.status(), response.url()];
      if (status < 400) return;
      this.observed.push({ text: `response ${status}: ${response.request().method()} ${url}`, url, status });
    });
    context.on("requestfailed", (request) => {
      const [reason, url] = [request.failure()?.errorText ?? "", request.url()];
      // A navigation aborts pending requests, which is not an error.
      if (reason !== "net::ERR_ABORTED") this.observed.push({ text: `request: ${reason} ${url}`, url, reason });
    });
  }

  /** Clears errors and expectations, so that the browsers can be reused. */
  reset(): void {
    this.observed.length = 0;
    this.expected.length = 0;
  }

  /** Returns unexpected errors, and expected errors that did not occur. */
  errors(): string[] {
    const errors: string[] = [];
    for (const error of this.observed) {
      const covering = this.expected.filter(({ covers }) => covers(error));
      if (covering.length === 0) errors.push(error.text);
      for (const expectation of covering) expectation.isMet ||= expectation.kind === "message" || !error.isMessage;
    }
    const missing = this.expected.filter(({ isMet }) => !isMet);
    return [...errors, ...missing.map(({ text }) => `expected but did not occur: ${text}`)];
  }
}

/** Returns whether a URL has this path, or its path and query match the pattern. */
function matchesUrl(url: string | undefined, pattern: string | RegExp): boolean {
  if (!url || !URL.canParse(url)) return false;
  const { pathname, search } = new URL(url);
  return typeof pattern === "string" ? pathname === pattern : pattern.test(pathname + search);
}
