import { confirmDeletion, fieldError, row, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("an account is created, found, changed and deleted", async ({ page, server, open }) => {
  await visit(page, "/users");
  await page.getByRole("link", { name: "New user" }).click();
  await expect(page).toHaveURL("/users/new");
  await page.getByLabel("Username", { exact: true }).fill("anna");
  await page.getByLabel("Email", { exact: true }).fill("anna@example.org");
  await page.getByLabel("Role", { exact: true }).selectOption("member");
  await page.getByLabel("Password", { exact: true }).fill("a first password");
  await page.getByLabel(/^Containers/).fill("3");
  await page.getByLabel(/^Memory/).fill("4 GiB");
  await page.getByRole("button", { name: "Create user" }).click();

  await expect(page).toHaveURL("/users/anna");
  await expect(page.getByText("0 of 3")).toBeVisible();
  await expect(page.getByText("of 4 GiB")).toBeVisible();
  const own = await open({ name: "anna", password: "a first password" });
  await visit(own, "/containers");
  await expect(own.getByRole("heading", { name: "No containers yet" })).toBeVisible();

  // A new password ends existing sessions.
  await page.getByLabel("Email", { exact: true }).fill("anna@example.com");
  await page.getByLabel(/^New password/).fill("a second password");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved anna.")).toBeVisible();
  await expect(page.getByLabel(/^New password/)).toHaveValue("");
  await own.goto("/containers");
  await expect(own).toHaveURL(/\/sign-in\?next=/);
  await server.signIn({ name: "anna", password: "a second password" });

  await visit(page, "/users");
  await page.getByRole("searchbox").fill("anna@example.com");
  await expect(page).toHaveURL(/[?&]q=anna/);
  await expect(page.getByRole("status").getByText("1 user")).toBeVisible();
  await row(page, "anna").getByRole("link", { name: "anna" }).click();
  await page.getByRole("button", { name: "Delete anna" }).click();
  await confirmDeletion(page, "anna");
  await expect(page).toHaveURL("/users");
  await expect(page.getByRole("link", { name: "anna", exact: true })).toHaveCount(0);
});

test("invalid fields show errors and keep their values", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/users/create");
  await visit(page, "/users/new");
  const name = page.getByLabel("Username", { exact: true });
  const email = page.getByLabel("Email", { exact: true });
  await name.fill("Not a name!");
  await email.click();
  await expect(await fieldError(name)).not.toBeEmpty();
  await email.fill("nowhere");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByLabel(/^Memory/).fill("much");
  await page.getByRole("button", { name: /^Create/ }).click();

  const summary = page.getByRole("alert").filter({ hasText: "Some fields are invalid" });
  await expect(summary).toBeFocused();
  await expect(summary.getByRole("link")).toHaveCount(4);
  for (const field of [name, email, page.getByLabel("Password", { exact: true }), page.getByLabel(/^Memory/)]) {
    await expect(await fieldError(field)).not.toBeEmpty();
  }
  await expect(email).toHaveValue("nowhere");
  await summary.getByRole("link").last().click();
  await expect(page.getByLabel(/^Memory/)).toBeFocused();

  // Errors from the server appear at the same field.
  await name.fill("admin");
  await email.fill("second@example.org");
  await page.getByLabel("Password", { exact: true }).fill("long enough");
  await page.getByLabel(/^Memory/).fill("");
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(await fieldError(name)).not.toBeEmpty();
  await expect(page).toHaveURL("/users/new");
});

test("the last administrator cannot be demoted", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/users/update");
  await visit(page, "/users/admin");
  await expect(page.getByText("This is your own account.")).toBeVisible();
  await expect(page.getByLabel(/^New password/)).toHaveCount(0);
  await expect(page.getByText("Change your password under Account.")).toBeVisible();
  await page.getByLabel("Role", { exact: true }).selectOption("member");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(await fieldError(page.getByLabel("Role", { exact: true }))).toContainText("administrator");
});

test("an administrator suspends and reactivates a user", async ({ page, server, open, watch }) => {
  watch.expect(401, "/sign-in");
  const account = await server.addUser("sven");
  const sven = await open(account);
  await visit(sven, "/containers");
  await visit(page, "/users/sven");
  const state = page.locator("section").filter({ hasText: "Account state" });
  await expect(state.getByText("active")).toBeVisible();
  await state.getByRole("button", { name: "Suspend" }).click();
  await expect(state.getByText("suspended")).toBeVisible();
  await sven.goto("/containers");
  await expect(sven).toHaveURL(/\/sign-in\?next=/);
  await sven.getByLabel("Username").fill(account.name);
  await sven.getByLabel("Password").fill(account.password);
  await sven.getByRole("button", { name: "Sign in" }).click();
  await expect(sven.getByRole("alert")).toContainText("This account is suspended.");

  await visit(page, "/users");
  await page.getByLabel("All states").selectOption("suspended");
  await expect(row(page, "sven")).toContainText("suspended");
  await row(page, "sven").getByRole("link", { name: "sven" }).click();
  await state.getByRole("button", { name: "Reactivate" }).click();
  await expect(state.getByText("active")).toBeVisible();
  await server.signIn(account);
});
