import { visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

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
