// What journeys have in common: going to a page that is alive, and making what they need. It
// knows pages by what people see on them.

import { expect, type Locator, type Page } from "@playwright/test";
import { visit } from "./alive.mjs";

export { visit };

/** A template of the simulated cluster: nothing has to be pulled for it. */
export const TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst";

/** Marks the document; a navigation that loads a new one loses the mark. */
export async function markDocument(page: Page): Promise<void> {
  await page.evaluate(() => (document.documentElement.dataset.same = ""));
}

/** Expects that the document which was marked is still there. */
export async function sameDocument(page: Page): Promise<void> {
  expect(await page.evaluate(() => "same" in document.documentElement.dataset)).toBe(true);
}

/** The row of a list whose main link has this name. */
export function row(page: Page, name: string): Locator {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** The refusal that stands beside a field. */
export async function refusalAt(field: Locator): Promise<Locator> {
  await expect(field).toHaveAttribute("aria-invalid", "true");
  const id = await field.getAttribute("aria-describedby");
  return field.page().locator(`[id="${id}"] .refusal`);
}

/** Answers the dialog that stands before a deletion. */
export async function confirmDeletion(page: Page, name: string): Promise<void> {
  const dialog = page.getByRole("dialog", { name: `Delete ${name}?` });
  await dialog.getByRole("textbox").fill(name);
  // What the page asks for just now would be answered when the thing is gone.
  await expect(page.locator('.loaded[aria-busy="true"]')).toHaveCount(0);
  await dialog.getByRole("button", { name: `Delete ${name}` }).click();
}

/** Makes a domain of the site lab and ends on its page. */
export async function createDomain(page: Page, name: string): Promise<void> {
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(name);
  await page.getByRole("button", { name: `Create ${name}` }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page).toHaveURL(/\/domains\/\d+$/);
}

/** Adds an authority that nobody answers at, and ends on its page. */
export async function createAuthority(page: Page, name: string): Promise<void> {
  await visit(page, "/authorities/new");
  await page.getByLabel("Authority", { exact: true }).selectOption("Another one");
  await page.getByLabel("Directory", { exact: true }).fill("https://127.0.0.1:1/dir");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: `Add ${name}` }).click();
  await expect(page).toHaveURL(`/authorities/${name}`);
}

/** Adds a name server that nobody answers at as a provider of DNS, and ends on its page. */
export async function createProvider(page: Page, name: string, zone: string): Promise<void> {
  await visit(page, "/providers/new");
  await page.getByLabel("Kind", { exact: true }).selectOption("Name server (RFC 2136)");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Name server", { exact: true }).fill("127.0.0.1:1");
  await page.getByLabel("Zone", { exact: true }).fill(zone);
  await page.getByLabel("Key's name", { exact: true }).fill("holdfast");
  await page.getByLabel("Key", { exact: true }).fill("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ==");
  await page.getByRole("button", { name: `Add ${name}` }).click();
  await expect(page).toHaveURL(`/providers/${name}`);
}

/** Deletes the agent of the demonstration's own edge, if it is there: the site has no agent then. */
export async function removeDemoEdge(page: Page): Promise<void> {
  await visit(page, "/agents");
  if ((await row(page, "demo-edge").count()) === 0) return;
  await visit(page, "/sites/lab/agents/demo-edge");
  await page.getByRole("button", { name: "Delete demo-edge" }).click();
  await confirmDeletion(page, "demo-edge");
  await expect(page).toHaveURL("/agents");
}

/** The address of a container's page. */
export function containerPath(name: string, tab = ""): string {
  return `/sites/lab/containers/${name}${tab && `/${tab}`}`;
}

/** The status of the thing that a page is about. */
export function status(page: Page): Locator {
  return page.locator(".page-aside .badge");
}

/** Asks for a container in the form; ends on its page, while it is being made. */
export async function ask(page: Page, name: string, source = TEMPLATE): Promise<void> {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Template or image").fill(source);
  await page.getByRole("button", { name: `Create ${name}` }).click();
  await expect(page).toHaveURL(containerPath(name));
}

/** Makes a container and ends on its page, when it runs. */
export async function create(page: Page, name: string, source = TEMPLATE): Promise<void> {
  await ask(page, name, source);
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });
}
