// Helpers of the journeys: navigation to hydrated pages and creation of objects. Elements are found by
// their visible text.

import { expect, type Locator, type Page } from "@playwright/test";
import { visit } from "./hydration.mjs";

export { visit };

/** A template of the simulated cluster, which needs no image pull. */
export const TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst";

/** Marks the document. A full page load removes the marker. */
export async function markDocument(page: Page): Promise<void> {
  await page.evaluate(() => (document.documentElement.dataset.marked = ""));
}

/** Expects that no full page load happened since `markDocument`. */
export async function expectSameDocument(page: Page): Promise<void> {
  expect(await page.evaluate(() => "marked" in document.documentElement.dataset)).toBe(true);
}

/** Returns the row of a list whose main link has this name. */
export function row(page: Page, name: string): Locator {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** Returns the error message of a field. */
export async function fieldError(field: Locator): Promise<Locator> {
  await expect(field).toHaveAttribute("aria-invalid", "true");
  const id = await field.getAttribute("aria-describedby");
  return field.page().locator(`[id="${id}"] .error-message`);
}

/** Confirms the deletion dialog. The verb is "Remove" for a cluster. */
export async function confirmDeletion(page: Page, name: string, verb = "Delete"): Promise<void> {
  const dialog = page.getByRole("dialog", { name: `${verb} ${name}?` });
  await dialog.getByRole("textbox").fill(name);
  // Pending requests of the page would fail after the deletion.
  await expect(page.locator('.loaded[aria-busy="true"]')).toHaveCount(0);
  await dialog.getByRole("button", { name: `${verb} ${name}` }).click();
}

/** Creates a domain of the site lab and ends on its page. */
export async function createDomain(page: Page, name: string): Promise<void> {
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create domain" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page).toHaveURL(/\/domains\/\d+$/);
}

/** Adds an unreachable CA and ends on its page. */
export async function createAuthority(page: Page, name: string): Promise<void> {
  await visit(page, "/authorities/new");
  await page.getByLabel("Certificate authority", { exact: true }).selectOption("Custom");
  await page.getByLabel("Directory", { exact: true }).fill("https://127.0.0.1:1/dir");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Add certificate authority" }).click();
  await expect(page).toHaveURL(`/authorities/${name}`);
}

/** Adds an unreachable name server as a DNS provider and ends on its page. */
export async function createProvider(page: Page, name: string, zone: string): Promise<void> {
  await visit(page, "/providers/new");
  await page.getByLabel("Kind", { exact: true }).selectOption("Name server (RFC 2136)");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Name server", { exact: true }).fill("127.0.0.1:1");
  await page.getByLabel("Zone", { exact: true }).fill(zone);
  await page.getByLabel("Key name", { exact: true }).fill("holdfast");
  await page.getByLabel("Secret", { exact: true }).fill("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ==");
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  await expect(page).toHaveURL(`/providers/${name}`);
}

/** Deletes the demo's host if it exists, so that the site has no host. */
export async function removeDemoEdge(page: Page): Promise<void> {
  await visit(page, "/hosts");
  if ((await row(page, "demo-edge").count()) === 0) return;
  await visit(page, "/sites/lab/hosts/demo-edge/settings");
  await page.getByRole("button", { name: "Delete demo-edge" }).click();
  await confirmDeletion(page, "demo-edge");
  await expect(page).toHaveURL("/hosts");
}

/** Returns the path of a container's page. */
export function containerPath(name: string, tab = ""): string {
  return `/sites/lab/containers/${name}${tab && `/${tab}`}`;
}

/** Opens a tab of the object's page. */
export async function openTab(page: Page, name: string): Promise<void> {
  const link = page.locator(".tabs").getByRole("link", { name, exact: true });
  await link.click();
  await expect(link).toHaveAttribute("aria-current", "page");
}

/** Returns the status badge of the page's object. */
export function status(page: Page): Locator {
  return page.locator(".page-aside .badge");
}

/** Submits the form of a new container and ends on its page, before the creation has finished. */
export async function submitContainer(page: Page, name: string, source = TEMPLATE): Promise<void> {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Template or image").fill(source);
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(page).toHaveURL(containerPath(name));
}

/** Creates a container, waits until it runs and ends on its page. */
export async function createContainer(page: Page, name: string, source = TEMPLATE): Promise<void> {
  await submitContainer(page, name, source);
  await expect(status(page)).toHaveText("running", { timeout: 60_000 });
}
