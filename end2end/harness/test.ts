// Fixtures of all journeys: a server per worker, a session, and a watch that fails the test on
// unexpected browser errors.

import { test as base, expect, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { Server } from "./server.mjs";
import { Watch } from "./watch";

export { expect };

export type Account = { name: string; password: string };

type Options = {
  /** The signed-in user: the first administrator, or none. */
  user: "administrator" | "anonymous";
};

type Fixtures = {
  watch: Watch;
  /** Opens a page in a new context, signed in with an account. */
  open: (account: Account) => Promise<Page>;
};

type WorkerOptions = {
  /** Factor by which the simulated cluster is faster than a real one, 1 for journeys that watch progress. */
  speed: number;
};

type WorkerFixtures = {
  server: Server;
  /** The administrator's session, created once per worker. */
  session: Awaited<ReturnType<Server["signIn"]>>;
};

export const test = base.extend<Options & Fixtures, WorkerOptions & WorkerFixtures>({
  user: ["administrator", { option: true }],

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

  storageState: async ({ user, session }, use) => use(user === "administrator" ? session : undefined),

  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    expect(watch.errors(), "errors in the browser").toEqual([]);
  },

  context: async ({ context, watch }, use) => {
    await watch.attach(context);
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
      await watch.attach(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});
