import { trackHydration } from "../harness/hydration.mjs";
import { submitContainer, containerPath, markDocument, row, expectSameDocument, visit } from "../harness/pages";
import { expect, test, type Account } from "../harness/test";
import type { Page } from "@playwright/test";

const names = (page: Page) => page.locator("[data-row]");

// A user whose containers no other test changes.
let liz: Account;

test.beforeAll(async ({ server, browser }) => {
  liz = await server.addUser("liz");
  const context = await browser.newContext({ baseURL: server.url, storageState: await server.signIn(liz) });
  await trackHydration(context);
  const page = await context.newPage();
  await submitContainer(page, "alpha");
  await submitContainer(page, "bravo", "redis:7");
  await submitContainer(page, "charlie");
  await context.close();
});

test("search, filter and sort order are part of the URL", async ({ open }) => {
  const page = await open(liz);
  await visit(page, "/containers");
  await markDocument(page);
  await expect(names(page)).toHaveText(["alpha", "bravo", "charlie"]);

  await page.getByRole("searchbox").fill("redis");
  await expect(page).toHaveURL("/containers?q=redis");
  await expect(names(page)).toHaveText(["bravo"]);
  await page.getByRole("searchbox").fill("");
  await expect(page).toHaveURL("/containers");

  await page.getByRole("link", { name: "Name", exact: true }).click();
  await expect(page).toHaveURL("/containers?sort=-name");
  await expect(names(page)).toHaveText(["charlie", "bravo", "alpha"]);
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");

  await page.getByRole("combobox", { name: "All statuses" }).selectOption("missing");
  await expect(page).toHaveURL(/status=missing/);
  await expect(page.getByRole("heading", { name: "No containers match" })).toBeVisible();
  await page.getByRole("link", { name: "Show all containers" }).click();
  await expect(page).toHaveURL("/containers");
  await expect(page.getByRole("combobox", { name: "All statuses" })).toHaveValue("");
  await expect(names(page)).toHaveCount(3);
  await expectSameDocument(page);
});

test("back and reload keep the list's state", async ({ open }) => {
  const page = await open(liz);
  await visit(page, "/containers?q=ha&sort=-name");
  await expect(names(page)).toHaveText(["charlie", "alpha"]);
  await expect(page.getByRole("searchbox")).toHaveValue("ha");
  await markDocument(page);
  await names(page).first().click();
  await expect(page).toHaveURL(containerPath("charlie"));
  await page.goBack();
  await expect(page).toHaveURL("/containers?q=ha&sort=-name");
  await expect(names(page)).toHaveText(["charlie", "alpha"]);
  await expect(page.getByRole("searchbox")).toHaveValue("ha");
  await expectSameDocument(page);
  await page.reload();
  await expect(names(page)).toHaveText(["charlie", "alpha"]);
});

// The name's link covers the whole row, so the cell itself never receives the click.
test("a click anywhere in a row opens the container", async ({ open }) => {
  const page = await open(liz);
  await visit(page, "/containers");
  // Click at the coordinates of the cell, regardless of the element there.
  const owner = await row(page, "bravo").getByRole("cell").filter({ hasText: "liz" }).boundingBox();
  await page.mouse.click(owner!.x + owner!.width / 2, owner!.y + owner!.height / 2);
  await expect(page).toHaveURL(containerPath("bravo"));
});

test("keyboard shortcuts search, move, open and create", { tag: "@smoke" }, async ({ open }) => {
  const page = await open(liz);
  await visit(page, "/containers");
  await expect(names(page)).toHaveCount(3);
  await page.keyboard.press("j");
  await expect(names(page).nth(0)).toBeFocused();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect(names(page).nth(2)).toBeFocused();
  await page.keyboard.press("k");
  await expect(names(page).nth(1)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(containerPath("bravo"));

  await page.goBack();
  await expect(names(page)).toHaveCount(3);
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  // Shortcuts are disabled in input fields.
  await page.keyboard.type("jkc");
  await expect(page).toHaveURL("/containers?q=jkc");
  await page.getByRole("searchbox").blur();
  await page.keyboard.press("c");
  await expect(page).toHaveURL("/containers/new");
});
