import { expect, test } from "../harness/test";

for (const path of [
  "/nothing",
  "/containers/nothing/here",
  "/sites/nowhere",
  "/sites/lab/containers/nothing",
  "/sites/lab/containers/wiki/nothing",
  "/jobs/999999",
  "/jobs/nothing",
  "/users/nobody",
  "/pkg/nothing.js",
]) {
  test(`${path} is not found, with status 404`, async ({ page, watch }) => {
    watch.expect(/\b404\b/);
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    if (!path.startsWith("/pkg/")) {
      await expect(page.getByText(/Not found|There is no such/).first()).toBeVisible();
    }
  });
}

test("what is not found leads on to what is there", async ({ page, watch }) => {
  watch.expect(/\b404\b/);
  await page.goto("/nothing");
  await page.getByRole("link", { name: "Go to your containers" }).click();
  await expect(page).toHaveURL("/containers");
});
