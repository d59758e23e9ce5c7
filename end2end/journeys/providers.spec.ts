import { confirmDeletion, createDomain, createProvider, fieldError, row, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("a DNS provider is added, tested, changed and deleted", async ({ page, open, server, watch }) => {
  watch.expect(422, "/api/ui/providers/update");
  await createDomain(page, "try.example.net");
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/providers");
  await expect(otherPage.getByRole("heading", { name: "No DNS providers yet" })).toBeVisible();
  await createProvider(page, "bind", "example.net");
  await expect(page.getByText("Added the DNS provider bind.")).toBeVisible();
  const facts = page.locator(".facts");
  for (const text of ["Name server (RFC 2136)", "127.0.0.1:1", "holdfast, hmac-sha256", "if a domain enables them"]) {
    await expect(facts).toContainText(text);
  }
  // Other users see the provider without a reload.
  await expect(row(otherPage, "bind")).toContainText("example.net at 127.0.0.1:1");

  // A test of the provider shows its errors.
  await expect(page.getByText("Creates the record _holdfast-test and removes it again")).toBeVisible();
  const domain = page.getByLabel("Domain", { exact: true });
  await domain.fill("not a domain");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(await fieldError(domain)).not.toBeEmpty();
  await domain.fill("try.example.net");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  const results = page.getByRole("list", { name: "Test results" });
  await expect(results.getByRole("listitem").filter({ hasText: "failed" }).first()).toContainText("127.0.0.1");
  await expect(page.getByText(/checks? failed for try\.example\.net/)).toBeVisible();

  // An empty secret field keeps the secret, which is not sent to another address.
  await page.getByLabel("Algorithm", { exact: true }).selectOption("hmac-sha512");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved bind.")).toBeVisible();
  await expect(facts).toContainText("holdfast, hmac-sha512");
  const secret = page.getByLabel(/^Secret/);
  await expect(secret).toHaveValue("");
  await page.getByLabel("Name server", { exact: true }).fill("127.0.0.1:2");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(await fieldError(secret)).toContainText("Enter the secret again");
  await expect(page.getByLabel("Name server", { exact: true })).toHaveValue("127.0.0.1:2");
  await secret.fill("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ==");
  await page.getByLabel("Name", { exact: true }).fill("knot");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL("/providers/knot");
  await expect(row(otherPage, "knot")).toContainText("example.net at 127.0.0.1:2");
  const sent = await (await visit(page, "/providers/knot"))?.text();
  expect(sent).toContain("127.0.0.1:2");
  expect(sent).not.toContain("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ");

  await page.getByRole("button", { name: "Delete knot" }).click();
  await expect(page.getByRole("dialog")).toContainText("The TSIG key of the DNS provider");
  await confirmDeletion(page, "knot");
  await expect(page).toHaveURL("/providers");
  for (const each of [page, otherPage]) await expect(row(each, "knot")).toHaveCount(0);
});

test("each kind of provider has its own fields, and invalid fields show errors", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/providers/create");
  await createProvider(page, "taken", "example.net");
  await visit(page, "/providers/new");
  const kind = page.getByLabel("Kind", { exact: true });
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("taken");
  await expect(page.getByLabel("API token", { exact: true })).toBeVisible();
  await expect(page.getByLabel("Zone", { exact: true })).toHaveCount(0);
  await kind.selectOption("acme-dns");
  await expect(page.getByLabel("API token", { exact: true })).toHaveCount(0);
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  const [server, user, password, full] = ["Server", "Username", "Password", "Full domain"].map((label) =>
    page.getByLabel(label, { exact: true }),
  );
  for (const field of [server, user, password, full]) await expect(await fieldError(field)).not.toBeEmpty();
  await server.fill("https://auth.example.org");
  await user.fill("eabcdb41-d89f-4580-826f-3e62e9755ef2");
  await password.fill("pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0");
  await full.fill("d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org");
  await full.blur();
  await expect(page.getByText("CNAME d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org")).toBeVisible();
  // Errors from the server appear at the same fields.
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  await expect(await fieldError(name)).not.toBeEmpty();
  await expect(password).toHaveValue("pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0");
  await name.fill("proofs");
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  await expect(page).toHaveURL("/providers/proofs");
  await expect(page.locator(".facts")).toContainText("not supported");
  await expect(page.getByText("Overwrites one of the two TXT values")).toBeVisible();

  await visit(page, "/providers/new");
  await page.getByLabel("API token", { exact: true }).fill("v1.0-secret-token");
  await name.fill("cf");
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  await expect(page).toHaveURL("/providers/cf");
  const sent = await (await visit(page, "/providers/cf"))?.text();
  expect(sent).toContain("Cloudflare");
  expect(sent).not.toContain("v1.0-secret-token");
  await expect(page.locator(".facts")).toContainText("Cloudflare");

  // This provider cannot manage address records, and the domain form shows that.
  await visit(page, "/domains/new");
  await page.getByLabel("DNS provider", { exact: true }).selectOption("proofs");
  await expect(page.getByLabel("Manage address records")).toBeDisabled();
  await expect(page.getByText("acme-dns stores challenge records only")).toBeVisible();
  await page.getByLabel("DNS provider", { exact: true }).selectOption("taken");
  await expect(page.getByLabel("Manage address records")).toBeEnabled();
});

test("an operator sees and tests DNS providers without controls to change them", async ({ page, server, open }) => {
  await createProvider(page, "seen", "example.net");
  const ora = await open(await server.addUser("ora", "operator"));
  await visit(ora, "/providers");
  await expect(ora.getByRole("link", { name: "Add DNS provider" })).toHaveCount(0);
  await ora.getByRole("link", { name: "seen", exact: true }).click();
  await expect(ora.getByRole("button", { name: "Test", exact: true })).toBeEnabled();
  await expect(ora.getByRole("button", { name: /^(Save|Delete)/ })).toHaveCount(0);
});
