import { containerPath } from "../harness/pages";
import { expect, test } from "../harness/test";

test.use({ javaScriptEnabled: false, user: "anonymous" });

test("sign-in, lists, objects, filters and sign-out work without JavaScript", { tag: "@smoke" }, async ({ page, server, context, watch }) => {
  watch.expect(401, "/sign-in");
  // Without JavaScript, Chromium blocks module preloads.
  watch.expectFailedRequest("csp", /^\/pkg\/.*\.js$/);
  // Chromium warns that the preloaded WebAssembly module was not used.
  const unused = /The resource \S+\/pkg\/\S+\.wasm was preloaded using link preload but not used /;
  watch.expectMessage(unused);
  const message = context.waitForEvent("console", (message) => unused.test(message.text()));
  await page.goto("/containers");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await message;
  const { name, password } = server.administrator;
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("Wrong username or password.")).toBeVisible();
  await expect(page.getByLabel("Username")).toHaveValue(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();

  await expect(page).toHaveURL("/containers");
  for (const name of ["db", "shell", "wiki"]) {
    await expect(page.getByRole("link", { name, exact: true })).toBeVisible();
  }
  await page.getByRole("searchbox").fill("wik");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page).toHaveURL(/[?&]q=wik/);
  await expect(page.locator("[data-row]")).toHaveText(["wiki"]);
  await page.getByRole("link", { name: "Name", exact: true }).click();
  await expect(page).toHaveURL(/sort=(-|%2D)name/);
  await expect(page.locator("[data-row]")).toHaveText(["wiki"]);

  await page.getByRole("link", { name: "wiki", exact: true }).click();
  await expect(page).toHaveURL(containerPath("wiki"));
  await expect(page.getByRole("heading", { level: 1, name: "wiki" })).toBeVisible();
  await expect(page.getByText("The team's notes")).toBeVisible();
  await expect(page.getByRole("link", { name: server.containerUrl("wiki") })).toBeVisible();
  await page.getByRole("link", { name: "Services" }).click();
  await expect(page.getByText("HTTP, container port 80")).toBeVisible();

  await page.getByRole("complementary").getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "Create wiki" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "Pull image" })).toBeVisible();
  // The demo's containers may not be created yet, and a page without JavaScript does not update.
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("region", { name: /^Log/ })).toContainText("nginx", { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await page.getByRole("link", { name: "Nodes" }).first().click();
  await expect(page.getByRole("table", { name: "Nodes of demo" }).getByText("pve2")).toBeVisible();
  await page.getByRole("link", { name: "Sites" }).first().click();
  await page.getByRole("link", { name: "lab", exact: true }).click();
  await expect(page.getByText("Free addresses")).toBeVisible();
  await page.getByRole("navigation", { name: "Site sections" }).getByRole("link", { name: "Settings" }).click();
  await expect(page.getByLabel("Domain", { exact: true })).toHaveValue("lab.example.org");
  await page.getByRole("link", { name: "Users" }).first().click();
  await page.getByRole("link", { name: "admin", exact: true }).click();
  await expect(page.getByLabel("Email", { exact: true })).toHaveValue("admin@localhost");

  await page.getByRole("button", { name: `${name}: account menu` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
});
