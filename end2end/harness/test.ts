// What every journey starts from: a server per worker, somebody signed in, and a watch over the
// browser that fails the test on any error which the test has not named.

import { test as base, expect, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { Server } from "./server.mjs";
import { Watch } from "./watch";

export { expect };

export type Account = { name: string; password: string };

type Options = {
  /** Who is signed in: the first administrator or nobody. */
  who: "administrator" | "nobody";
};

type Fixtures = {
  watch: Watch;
  /** Another person's browser: signed in with an account, in a context of its own. */
  open: (account: Account) => Promise<Page>;
};

type WorkerOptions = {
  /** How many times faster than a real cluster the simulated one is; 1 for journeys that watch progress. */
  speed: number;
};

type WorkerFixtures = {
  server: Server;
  /** The administrator's session, made once per worker. */
  session: Awaited<ReturnType<Server["signIn"]>>;
};

export const test = base.extend<Options & Fixtures, WorkerOptions & WorkerFixtures>({
  who: ["administrator", { option: true }],

  speed: [1, { option: true, scope: "worker" }],

  server: [
    async ({ speed }, use) => {
      const server = await Server.start({ speed });
      try {
        await use(server);
      } finally {
        await server.stop();
      }
      expect(server.log, "the server's log").not.toMatch(/panicked at|\bERROR\b/);
    },
    { scope: "worker", timeout: 90_000 },
  ],

  session: [async ({ server }, use) => use(await server.signIn(server.administrator)), { scope: "worker" }],

  baseURL: async ({ server }, use) => use(server.url),

  storageState: async ({ who, session }, use) => use(who === "administrator" ? session : undefined),

  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    expect(watch.faults(), "what went wrong in the browser").toEqual([]);
  },

  context: async ({ context, watch }, use) => {
    await watch.over(context);
    await use(context);
  },

  open: async ({ browser, server, watch }: { browser: Browser; server: Server; watch: Watch }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (account) => {
      const context = await browser.newContext({
        baseURL: server.url,
        storageState: await server.signIn(account),
      });
      contexts.push(context);
      await watch.over(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});
