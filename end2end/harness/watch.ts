// A watch over browsers: what goes wrong in them, unless a test has named it.

import type { BrowserContext } from "@playwright/test";
import { tellWhenAlive } from "./alive.mjs";

/** Collects what goes wrong in browsers. */
export class Watch {
  private readonly found: string[] = [];
  private readonly named: RegExp[] = [];

  /** Names something that goes wrong on purpose, such as `/404/`. */
  expect(what: RegExp): void {
    this.named.push(what);
  }

  async over(context: BrowserContext): Promise<void> {
    await tellWhenAlive(context);
    context.on("page", (page) => {
      page.on("pageerror", (error) => this.found.push(`error: ${error.stack ?? error}`));
      page.on("crash", () => this.found.push("the page crashed"));
    });
    context.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.found.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
    context.on("response", (response) => {
      if (response.status() >= 400) {
        this.found.push(`answer ${response.status()}: ${response.request().method()} ${response.url()}`);
      }
    });
    context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // A page that is left takes its open requests with it; that is no failure.
      if (why !== "net::ERR_ABORTED") this.found.push(`request: ${why} ${request.url()}`);
    });
  }

  faults(): string[] {
    return this.found.filter((fault) => !this.named.some((named) => named.test(fault)));
  }
}
