import { expect, test } from "../harness/test";

// Which addresses are not found is tested at the server; here is how that looks and leads on.
test("what is not found leads on to what is there", async ({ page, watch }) => {
  watch.expect(404, "/nothing");
  await page.goto("/nothing");
  await page.getByRole("link", { name: "Go to your containers" }).click();
  await expect(page).toHaveURL("/containers");
});
