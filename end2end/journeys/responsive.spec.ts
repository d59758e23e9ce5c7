import { visit } from "../harness/pages";
import { expect, test } from "../harness/test";

const PAGES = [
  "/containers",
  "/containers/new",
  "/sites/lab/containers/wiki",
  "/sites/lab/containers/wiki/services",
  "/sites/lab/containers/wiki/environment",
  "/sites/lab/containers/wiki/jobs",
  "/sites/lab/containers/wiki/settings",
  "/jobs",
  "/jobs/1",
  "/nodes",
  "/sites",
  "/sites/new",
  "/sites/lab",
  "/domains",
  "/domains/new",
  "/domains/1",
  "/certificates",
  "/certificates/new",
  "/authorities",
  "/authorities/new",
  "/providers",
  "/providers/new",
  "/users",
  "/users/new",
  "/users/admin",
];

test.describe("on a tablet", () => {
  test.use({ viewport: { width: 768, height: 1024 } });

  for (const path of PAGES) {
    test(`${path} fits into the width`, async ({ page }) => {
      await visit(page, path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      expect(await page.evaluate(() => document.scrollingElement!.scrollWidth)).toBeLessThanOrEqual(768);
    });
  }
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  for (const path of PAGES) {
    test(`${path} fits into the width`, async ({ page }) => {
      await visit(page, path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      expect(await page.evaluate(() => document.scrollingElement!.scrollWidth)).toBeLessThanOrEqual(360);
    });
  }

  test("the places open over the page and close behind one", async ({ page }) => {
    await visit(page, "/containers");
    await expect(page.getByRole("link", { name: "Jobs", exact: true })).toHaveCount(0);
    await page.getByRole("button", { name: "Places" }).click();
    const places = page.getByRole("navigation", { name: "Places" });
    await expect(places).toBeVisible();
    await places.getByRole("link", { name: "Jobs", exact: true }).click();
    await expect(page).toHaveURL("/jobs");
    await expect(places).toBeHidden();
  });

  test("rows of lists are cards", async ({ page }) => {
    await visit(page, "/containers");
    const wiki = page.getByRole("row").filter({ hasText: "wiki" });
    const box = await wiki.boundingBox();
    expect(box?.height).toBeGreaterThan(80);
    expect(box?.width).toBeLessThanOrEqual(360);
    await expect(page.getByRole("columnheader", { name: "Name" })).toBeHidden();
  });
});

test.describe("at a desk", () => {
  test("the rail can be made narrow, and stays so", async ({ page }) => {
    await visit(page, "/containers");
    const rail = page.getByRole("complementary");
    const wide = (await rail.boundingBox())!.width;
    await page.getByRole("button", { name: "Collapse" }).click();
    await expect.poll(async () => (await rail.boundingBox())!.width).toBeLessThan(wide / 2);
    await visit(page, "/jobs");
    expect((await rail.boundingBox())!.width).toBeLessThan(wide / 2);
    // Narrow as it is, its links keep their names.
    await rail.getByRole("link", { name: "Containers" }).click();
    await expect(page).toHaveURL("/containers");
  });
});
