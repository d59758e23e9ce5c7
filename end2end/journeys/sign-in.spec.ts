import { expect, test } from "../harness/test";
import { alive } from "../harness/alive.mjs";
import type { Page } from "@playwright/test";

test.use({ who: "nobody" });

/**
 * Sends the form, and gives the status of the answer. The page that came with it is there then:
 * whoever typed into the old one while the new one arrives would send twice.
 */
async function send(page: Page, name: string, password: string): Promise<number> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  const answer = page.waitForResponse((response) => response.request().method() === "POST");
  const arrival = page.waitForEvent("framenavigated");
  await page.getByRole("button", { name: "Sign in" }).click();
  const status = (await answer).status();
  await arrival;
  await page.waitForLoadState("domcontentloaded");
  return status;
}

test("a page asks for the sign-in first and is shown after it", { tag: "@smoke" }, async ({ page, server }) => {
  await page.goto("/jobs?state=done");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  const { name, password } = server.administrator;
  expect(await send(page, name, password)).toBe(303);
  await expect(page).toHaveURL("/jobs?state=done");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
});

test("a wrong password is told beside the form, and the name stays", async ({ page, server, watch }) => {
  watch.expect(401, "/sign-in");
  await page.goto("/sign-in?next=%2Fjobs");
  const { name, password } = server.administrator;
  expect(await send(page, name, "not the password")).toBe(401);
  await expect(page.getByRole("alert")).toHaveText("That name and password do not match.");
  await expect(page.getByLabel("Name")).toHaveValue(name);
  await expect(page.getByLabel("Password")).toHaveValue("");
  await expect(page.getByLabel("Password")).toBeFocused();

  expect(await send(page, name, password)).toBe(303);
  await expect(page).toHaveURL("/jobs");
});

test("a sign-in link that was used leads to the form", async ({ page, server, watch }) => {
  watch.expect(401, "/sign-in/link");
  await page.goto("/sign-in/link?token=used");
  // The application has hydrated the page by then, or failed to.
  await page.waitForLoadState("networkidle");
  await expect(page.getByRole("alert")).toContainText("This sign-in link has been used or has expired.");
  const { name, password } = server.administrator;
  expect(await send(page, name, password)).toBe(303);
  await expect(page).toHaveURL("/containers");
});

test("signing out ends the session", async ({ page, server }) => {
  await page.goto("/sign-in");
  const { name, password } = server.administrator;
  await send(page, name, password);
  await expect(page).toHaveURL("/containers");

  await page.getByRole("button", { name: `${name}: own menu` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await page.goto("/containers");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test("a page that is being left for good asks for nothing more", async ({ page, server }) => {
  await page.goto("/sign-in");
  const { name, password } = server.administrator;
  await send(page, name, password);
  await expect(page).toHaveURL("/containers");
  await alive(page);
  // What the demonstration's own containers have to tell has been told.
  await expect(page.getByRole("button", { name: "No running jobs" })).toBeVisible({ timeout: 60_000 });
  const asked: string[] = [];
  let answered = 0;
  page.on("request", (request) => request.url().includes("/api/") && asked.push(request.url()));
  page.on("requestfinished", (request) => request.url().includes("/api/") && answered++);
  // News come once now, and again while the server takes its time to end the session.
  await page.evaluate((news) => {
    const tell = () => dispatchEvent(new CustomEvent("holdfast-events", { detail: news }));
    addEventListener("submit", () => setTimeout(tell, 100));
    tell();
  }, JSON.stringify([{ topic: "container" }]));
  await expect.poll(() => answered, { message: "until then it follows the news" }).toBeGreaterThan(0);
  await expect.poll(() => asked.length - answered, { message: "all of that has been answered" }).toBe(0);

  await page.route("**/sign-out", async (route) => {
    asked.length = 0;
    await new Promise((done) => setTimeout(done, 1_000));
    await route.continue();
  });
  await page.getByRole("button", { name: `${name}: own menu` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  expect(asked).toEqual([]);
});
