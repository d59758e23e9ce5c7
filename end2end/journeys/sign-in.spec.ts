import { expect, test } from "../harness/test";
import { waitUntilHydrated } from "../harness/hydration.mjs";
import type { Page } from "@playwright/test";

test.use({ user: "anonymous" });

/**
 * Submits the form and returns the status of the response after the new page has loaded. Typing into
 * the old page during the navigation would submit twice.
 */
async function submitSignIn(page: Page, name: string, password: string): Promise<number> {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  const response = page.waitForResponse((response) => response.request().method() === "POST");
  const navigation = page.waitForEvent("framenavigated");
  await page.getByRole("button", { name: "Sign in" }).click();
  const status = (await response).status();
  await navigation;
  await page.waitForLoadState("domcontentloaded");
  return status;
}

test("a protected page redirects to sign-in and is shown afterwards", { tag: "@smoke" }, async ({ page, server }) => {
  await page.goto("/jobs?state=done");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  const { name, password } = server.administrator;
  expect(await submitSignIn(page, name, password)).toBe(303);
  await expect(page).toHaveURL("/jobs?state=done");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
});

test("a wrong password shows an error and keeps the name", async ({ page, server, watch }) => {
  watch.expect(401, "/sign-in");
  await page.goto("/sign-in?next=%2Fjobs");
  const { name, password } = server.administrator;
  expect(await submitSignIn(page, name, "not the password")).toBe(401);
  await expect(page.getByRole("alert")).toHaveText("Wrong username or password.");
  await expect(page.getByLabel("Username")).toHaveValue(name);
  await expect(page.getByLabel("Password")).toHaveValue("");
  await expect(page.getByLabel("Password")).toBeFocused();

  expect(await submitSignIn(page, name, password)).toBe(303);
  await expect(page).toHaveURL("/jobs");
});

test("a used sign-in link shows the sign-in form", async ({ page, server, watch }) => {
  watch.expect(401, "/sign-in/link");
  await page.goto("/sign-in/link?token=used");
  // Hydration has succeeded or failed by then.
  await page.waitForLoadState("networkidle");
  await expect(page.getByRole("alert")).toContainText("This sign-in link has been used or has expired.");
  const { name, password } = server.administrator;
  expect(await submitSignIn(page, name, password)).toBe(303);
  await expect(page).toHaveURL("/containers");
});

test("signing out ends the session", async ({ page, server }) => {
  await page.goto("/sign-in");
  const { name, password } = server.administrator;
  await submitSignIn(page, name, password);
  await expect(page).toHaveURL("/containers");

  await page.getByRole("button", { name: `${name}: account menu` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await page.goto("/containers");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test("a page sends no requests during sign-out", async ({ page, server }) => {
  await page.goto("/sign-in");
  const { name, password } = server.administrator;
  await submitSignIn(page, name, password);
  await expect(page).toHaveURL("/containers");
  await waitUntilHydrated(page);
  // The jobs of the demo's containers have ended, so they cause no further events.
  await expect(page.getByRole("button", { name: /running jobs?$/ })).toHaveCount(0, { timeout: 60_000 });
  const requests: string[] = [];
  let finished = 0;
  page.on("request", (request) => request.url().includes("/api/") && requests.push(request.url()));
  page.on("requestfinished", (request) => request.url().includes("/api/") && finished++);
  // Events arrive once now, and again during the delayed sign-out request.
  await page.evaluate((events) => {
    const notify = () => dispatchEvent(new CustomEvent("holdfast-events", { detail: events }));
    addEventListener("submit", () => setTimeout(notify, 100));
    notify();
  }, JSON.stringify([{ topic: "container" }]));
  await expect.poll(() => finished, { message: "the page loads data on events before sign-out" }).toBeGreaterThan(0);
  await expect.poll(() => requests.length - finished, { message: "all requests have finished" }).toBe(0);

  await page.route("**/sign-out", async (route) => {
    requests.length = 0;
    await new Promise((done) => setTimeout(done, 1_000));
    await route.continue();
  });
  await page.getByRole("button", { name: `${name}: account menu` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  expect(requests).toEqual([]);
});
