import { confirmDeletion, createAuthority, fieldError, row, visit } from "../harness/pages";
import { createCertificate } from "../harness/test-certificates.mjs";
import { expect, test } from "../harness/test";

test("a CA is added, changed and deleted", async ({ page, open, server }) => {
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/authorities");
  await expect(otherPage.getByRole("heading", { name: "No certificate authorities yet" })).toBeVisible();

  await visit(page, "/certificates");
  await page.getByRole("navigation", { name: "Certificates, CAs and DNS providers" }).getByRole("link", { name: "CAs" }).click();
  await expect(page).toHaveURL("/authorities");
  await page.getByRole("link", { name: "Add certificate authority" }).first().click();
  const directory = page.getByLabel("Directory", { exact: true });
  const name = page.getByLabel("Name", { exact: true });
  // A preset fills in the directory and a name.
  await expect(directory).toHaveValue("https://acme-v02.api.letsencrypt.org/directory");
  await page.getByLabel("Certificate authority", { exact: true }).selectOption("Let's Encrypt (staging)");
  await expect(directory).toHaveValue("https://acme-staging-v02.api.letsencrypt.org/directory");
  await expect(name).toHaveValue("letsencrypt-staging");
  await page.getByLabel(/^Email/).fill("admin@example.org");
  await expect(page.getByText("accepts the CA's terms of service")).toBeVisible();
  await page.getByRole("button", { name: "Add certificate authority" }).click();

  await expect(page).toHaveURL("/authorities/letsencrypt-staging");
  await expect(page.getByText("Added the certificate authority letsencrypt-staging.")).toBeVisible();
  const facts = page.locator(".facts");
  for (const text of ["acme-staging-v02", "admin@example.org", "none yet: registered with the first request", "system trust store"]) {
    await expect(facts).toContainText(text);
  }
  // Other users see the CA without a reload.
  await expect(row(otherPage, "letsencrypt-staging")).toContainText("none yet");

  await name.fill("staging");
  await page.getByLabel(/^Email/).fill("");
  await page.getByText("Custom root certificates").click();
  await page.getByLabel(/^Certificates/).fill(createCertificate(["ca.example.org"]).chain);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved staging.")).toBeVisible();
  await expect(page).toHaveURL("/authorities/staging");
  await expect(facts).toContainText("custom");
  await expect(row(otherPage, "staging")).toBeVisible();

  await page.getByRole("button", { name: "Delete staging" }).click();
  await expect(page.getByRole("dialog")).toContainText("The certificate authority staging and its settings");
  await confirmDeletion(page, "staging");
  await expect(page).toHaveURL("/authorities");
  for (const each of [page, otherPage]) await expect(row(each, "staging")).toHaveCount(0);
});

test("invalid fields of a CA show errors and keep their values", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/authorities/create");
  await createAuthority(page, "taken");
  await visit(page, "/authorities/new");
  await page.getByLabel("Certificate authority", { exact: true }).selectOption("Custom");
  const directory = page.getByLabel("Directory", { exact: true });
  const name = page.getByLabel("Name", { exact: true });
  const email = page.getByLabel(/^Email/);
  await directory.fill("http://ca.example.org/dir");
  await name.fill("new");
  await email.fill("admin");
  await page.getByText("Custom root certificates").click();
  const roots = page.getByLabel(/^Certificates/);
  await roots.fill("something else");
  await page.getByRole("button", { name: /^Add/ }).click();
  for (const field of [directory, name, email, roots]) await expect(await fieldError(field)).not.toBeEmpty();
  await expect(page).toHaveURL("/authorities/new");

  // Errors from the server appear at the same fields.
  await directory.fill("https://ca.example.org/dir");
  await name.fill("taken");
  await email.fill("admin@example.org");
  await roots.fill("");
  await page.getByRole("button", { name: "Add certificate authority" }).click();
  await expect(await fieldError(name)).not.toBeEmpty();
  await expect(email).toHaveValue("admin@example.org");
  await expect(directory).toHaveValue("https://ca.example.org/dir");
});

test("a CA with external account binding requires the key and never shows it", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/authorities/update");
  await visit(page, "/authorities/new");
  const id = page.getByLabel(/^Key ID/);
  const key = page.getByLabel(/^HMAC key/);
  await expect(id).toBeHidden();
  await page.getByLabel("Certificate authority", { exact: true }).selectOption("ZeroSSL");
  await expect(page.getByText("This CA requires external account binding")).toBeVisible();
  await id.fill("kid-1");
  await page.getByRole("button", { name: "Add certificate authority" }).click();
  await expect(await fieldError(key)).toHaveText("Enter the HMAC key of this key ID.");
  await key.fill("c2VjcmV0LWtleQ");
  await page.getByRole("button", { name: "Add certificate authority" }).click();
  await expect(page).toHaveURL("/authorities/zerossl");
  await expect(page.locator(".facts")).toContainText("kid-1");
  const sent = await (await visit(page, "/authorities/zerossl"))?.text();
  expect(sent).toContain("kid-1");
  expect(sent).not.toContain("c2VjcmV0LWtleQ");
  await expect(id).toHaveValue("kid-1");
  await expect(key).toHaveValue("");

  // A change of the directory requires the key again.
  await page.getByLabel("Directory", { exact: true }).fill("https://ca.example.org/dir");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(await fieldError(key)).toContainText("Enter the key again");
});

test("an operator sees CAs without controls to change them", async ({ page, server, open }) => {
  await createAuthority(page, "internal");
  const ole = await open(await server.addUser("ole", "operator"));
  await visit(ole, "/certificates");
  await expect(ole.getByRole("link", { name: "Select a certificate source" })).toBeVisible();
  await expect(ole.getByRole("link", { name: "Add certificate authority" })).toHaveCount(0);
  await visit(ole, "/authorities");
  await expect(ole.getByRole("link", { name: "Add certificate authority" })).toHaveCount(0);
  await ole.getByRole("link", { name: "internal", exact: true }).click();
  await expect(ole.locator(".facts")).toContainText("https://127.0.0.1:1/dir");
  await expect(ole.getByRole("button", { name: /^(Save|Delete)/ })).toHaveCount(0);
});
