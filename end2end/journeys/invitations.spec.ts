import type { Page } from "@playwright/test";

import { fieldError, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

/** A browser without a session. */
const ANONYMOUS = { storageState: { cookies: [], origins: [] } };

/** The row of an invitation. It has no link. */
function row(page: Page, email: string) {
  return page.getByRole("row").filter({ hasText: email });
}

test("a person accepts an invitation and is signed in", async ({ page, browser }) => {
  await visit(page, "/users");
  await page.getByRole("link", { name: "Invitations" }).click();
  await page.getByRole("link", { name: "Invite" }).first().click();
  await page.getByLabel("Email", { exact: true }).fill("ines@example.org");
  await page.getByLabel(/^Containers/).fill("2");
  await page.getByRole("button", { name: "Create invitation" }).click();
  const link = page.locator("[data-invitation-link]");
  await expect(link).toContainText("/sign-in/invitation?token=");
  const url = await link.textContent() ?? "";

  await visit(page, "/invitations");
  await expect(row(page, "ines@example.org")).toContainText("member");

  const context = await browser.newContext(ANONYMOUS);
  const ines = await context.newPage();
  await ines.goto(url);
  await expect(ines.getByText("ines@example.org")).toBeVisible();
  await ines.getByLabel("Username").fill("ines");
  await ines.getByLabel("Password").fill("password1");
  await ines.getByRole("button", { name: "Create account" }).click();
  await expect(await fieldError(ines.getByLabel("Password"))).toContainText("easy to guess");
  await ines.getByLabel("Password").fill("a password of ines");
  await ines.getByRole("button", { name: "Create account" }).click();
  await expect(ines.getByRole("heading", { name: "No containers yet" })).toBeVisible();
  await ines.goto(url);
  await expect(ines.getByText("This invitation has been used")).toBeVisible();
  await context.close();

  await expect(row(page, "ines@example.org")).toHaveCount(0);
  await visit(page, "/users/ines");
  await expect(page.getByText("0 of 2")).toBeVisible();
});

test("a deleted invitation is void", async ({ page, browser }) => {
  await visit(page, "/invitations/new");
  await page.getByLabel("Email", { exact: true }).fill("otto@example.org");
  await page.getByRole("button", { name: "Create invitation" }).click();
  const url = await page.locator("[data-invitation-link]").textContent() ?? "";
  await visit(page, "/invitations");
  await row(page, "otto@example.org").getByRole("button", { name: "Delete" }).click();
  await expect(row(page, "otto@example.org")).toHaveCount(0);
  const context = await browser.newContext(ANONYMOUS);
  const otto = await context.newPage();
  await otto.goto(url);
  await expect(otto.getByText("was deleted or has expired")).toBeVisible();
  await context.close();
});
