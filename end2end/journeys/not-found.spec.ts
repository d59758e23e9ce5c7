import { expect, test } from "../harness/test";

// The server tests cover which paths are not found. This tests the error page and its links.
test("the not-found page links to existing pages", async ({ page, watch }) => {
  watch.expect(404, "/nothing");
  await page.goto("/nothing");
  await expect(page.getByRole("navigation", { name: "Breadcrumbs" })).toHaveText("Not found");
  await page.getByRole("link", { name: "Go to containers" }).click();
  await expect(page).toHaveURL("/containers");
});
