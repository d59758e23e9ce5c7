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
  await dialog.getByRole("button", { name: `Delete ${name}` }).click();
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
