import { containerPath, fieldError, visit } from "../harness/pages";
import { expect, test } from "../harness/test";
import type { Page } from "@playwright/test";

/** Fields of a new container with invalid values. */
const INVALID: [label: string | RegExp, value: string][] = [
  ["Name", "Not a name!"],
  ["Template or image", "Upper/Case:tag"],
  ["Memory", "lots"],
  ["Cores", "0"],
  ["Disk", "-3"],
  ["Container port", "99999"],
  [/^Hostname optional/, "under_score"],
  [/^Environment/, "no equals sign"],
];

const fieldByLabel = (page: Page, label: string | RegExp) => page.getByLabel(label, { exact: typeof label === "string" });

for (const [label, value] of INVALID) {
  test(`${label}: "${value}" is rejected when the field loses focus`, async ({ page }) => {
    await visit(page, "/containers/new");
    await page.getByText("Environment, command, description").click();
    const field = fieldByLabel(page, label);
    await field.fill(value);
    await field.blur();
    await expect(await fieldError(field)).not.toBeEmpty();
    await expect(field).toHaveValue(value);
    // Only the field that lost focus is validated.
    await expect(page.locator("[aria-invalid=true]")).toHaveCount(1);
  });
}

test("all errors are summarized, values are kept, and no request is sent", async ({ page }) => {
  const requests: string[] = [];
  page.on("request", (request) => request.url().includes("containers/create") && requests.push(request.url()));
  await visit(page, "/containers/new");
  await page.getByText("Environment, command, description").click();
  for (const [label, value] of INVALID) await fieldByLabel(page, label).fill(value);
  await page.getByRole("button", { name: /^Create/ }).click();

  const summary = page.getByRole("alert").filter({ hasText: "Some fields are invalid" });
  await expect(summary).toBeFocused();
  await expect(summary.getByRole("link")).toHaveCount(INVALID.length);
  for (const [label, value] of INVALID) {
    await expect(await fieldError(fieldByLabel(page, label))).not.toBeEmpty();
    await expect(fieldByLabel(page, label)).toHaveValue(value);
  }
  const fields = await page.locator("[aria-invalid=true]").evaluateAll((all) => all.map((field) => `#${field.id}`));
  const links = await summary.getByRole("link").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  expect(links, "the order is that of the fields").toEqual(fields);
  await summary.getByRole("link").first().click();
  await expect(fieldByLabel(page, "Name")).toBeFocused();
  await expect(page).toHaveURL("/containers/new");
  expect(requests).toEqual([]);
});

test("the summary drops the errors of fields that are removed", async ({ page }) => {
  await visit(page, "/containers/new");
  await fieldByLabel(page, "Cores").fill("0");
  await fieldByLabel(page, /^Hostname optional/).fill("under_score");
  await page.getByRole("button", { name: "Create container" }).click();
  const links = page.getByRole("alert").filter({ hasText: "Some fields are invalid" }).getByRole("link");
  await expect(links).toHaveCount(2);
  await page.getByLabel("Kind", { exact: true }).selectOption("TCP port");
  await expect(links).toHaveText([/^Cores: /]);
});

test("an image from a registry that the site does not list is refused", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/containers/create");
  await visit(page, "/containers/new");
  const source = fieldByLabel(page, "Template or image");
  await source.fill("10.20.0.1:5000/app:v1");
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(await fieldError(source)).toHaveText(
    "The site does not allow images from 10.20.0.1:5000. Use an image from docker.io, ghcr.io or quay.io.",
  );
});

test("a name, port or hostname in use shows the server's error at its field", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/containers/create");
  await visit(page, "/containers/new");
  const name = fieldByLabel(page, "Name");
  await name.fill("wiki");
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(await fieldError(name)).toHaveText(/^The container wiki of \w+ has the name wiki\..*\. Choose another name\.$/);
  await expect(page.getByRole("button", { name: "Create container" })).toBeEnabled();

  await name.fill("other-wiki");
  await page.getByRole("button", { name: "Add port" }).click();
  await page.getByRole("group", { name: "Service 2" }).getByLabel("Container port").fill("22");
  const externalPort = page.getByLabel(/^External port/);
  await externalPort.fill("80");
  await externalPort.blur();
  await expect(await fieldError(externalPort)).toHaveText("Edge hosts use port 80 for HTTP and HTTPS. Use another port.");
  await externalPort.fill("81");
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(await fieldError(externalPort)).toHaveText("Use a port of the site's range 2000-2999.");
  await page.getByRole("button", { name: "Remove Service 2" }).click();

  const hostname = fieldByLabel(page, /^Hostname optional/);
  await hostname.fill("wiki");
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(await fieldError(hostname)).toHaveText(/^The container wiki of \w+ has the name wiki\..*\. Choose another name\.$/);
  await expect(name).toHaveValue("other-wiki");
  await expect(page).toHaveURL("/containers/new");

  watch.expect(404, containerPath("other-wiki"));
  expect((await page.goto(containerPath("other-wiki")))?.status()).toBe(404);
});
