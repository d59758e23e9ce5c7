import { fieldError, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a member changes their password, which ends their other sessions", async ({ server, open, watch }) => {
  const account = await server.addUser("pia");
  const pia = await open(account);
  const other = await open(account);
  await visit(other, "/containers");

  await visit(pia, "/containers");
  await pia.getByRole("button", { name: /account menu$/ }).click();
  await pia.getByRole("link", { name: "Account" }).click();
  await expect(pia).toHaveURL("/account");
  await expect(pia.getByLabel("Email", { exact: true })).toHaveValue(/^pia@/);

  watch.expect(422, "/api/ui/account/change-password");
  const current = pia.getByLabel("Current password");
  await current.fill("not my password");
  await pia.getByLabel("New password").fill("a second password");
  await pia.getByRole("button", { name: "Change password" }).click();
  await expect(await fieldError(current)).toContainText("This is not your current password.");

  await current.fill(account.password);
  await pia.getByRole("button", { name: "Change password" }).click();
  await expect(pia.getByText("Password changed.")).toBeVisible();
  await expect(current).toHaveValue("");

  await pia.reload();
  await expect(pia).toHaveURL("/account");
  await other.goto("/containers");
  await expect(other).toHaveURL(/\/sign-in\?next=/);
  await server.signIn({ name: "pia", password: "a second password" });
});

test("a member changes their profile and ends other sessions", async ({ server, open }) => {
  const account = await server.addUser("rosa");
  const rosa = await open(account);
  const other = await open(account);
  await visit(other, "/containers");
  await visit(rosa, "/account");
  await rosa.getByLabel(/^Full name/).fill("Rosa Example");
  await rosa.getByLabel("Email", { exact: true }).fill("rosa@example.net");
  await rosa.getByRole("button", { name: "Save profile" }).click();
  await expect(rosa.getByText("Profile saved.")).toBeVisible();
  await rosa.reload();
  await expect(rosa.getByLabel(/^Full name/)).toHaveValue("Rosa Example");

  const sessions = rosa.getByRole("table", { name: "Sessions" });
  await expect(sessions.getByText("this session")).toHaveCount(1);
  await rosa.getByRole("button", { name: "End all other sessions" }).click();
  await expect(rosa.getByText("Your other sessions have ended.")).toBeVisible();
  await expect(sessions.getByRole("button", { name: "End session" })).toHaveCount(0);
  await other.goto("/containers");
  await expect(other).toHaveURL(/\/sign-in\?next=/);
});
