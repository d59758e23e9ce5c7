import type { Page } from "@playwright/test";
import { pemLines, createCertificate } from "../harness/test-certificates.mjs";
import {
  confirmDeletion,
  createAuthority,
  createDomain,
  createProvider,
  markDocument,
  openTab,
  fieldError,
  row,
  expectSameDocument,
  status,
  visit,
} from "../harness/pages";
import { expect, test } from "../harness/test";

/** Fills in the upload form. */
async function fill(page: Page, domain: string, chain: string, key: string): Promise<void> {
  await page.getByLabel("Domain", { exact: true }).selectOption({ label: `${domain} (lab)` });
  await page.getByLabel("Certificate and chain", { exact: true }).fill(chain);
  await page.getByLabel("Private key", { exact: true }).fill(key);
}

/** Uploads a certificate and ends on its page. */
async function upload(page: Page, domain: string, { chain, key }: { chain: string; key: string }): Promise<void> {
  await visit(page, "/certificates/new");
  await fill(page, domain, chain, key);
  await page.getByRole("button", { name: "Upload certificate" }).click();
  await expect(page).toHaveURL(/\/certificates\/\d+$/);
}

const uploadButton = (page: Page) => page.getByRole("button", { name: "Upload certificate" });

test("a certificate is uploaded and deleted, and a mismatched key shows an error at its field", async ({ page, open, server, watch }) => {
  watch.expect(422, "/api/ui/certificates/upload");
  await createDomain(page, "shop.example.net");
  const domain = new URL(page.url()).pathname;
  await openTab(page, "Certificates");
  await expect(page.getByRole("region", { name: "Certificates" })).toContainText("Edge hosts serve self-signed certificates");
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/certificates");
  await expect(otherPage.getByRole("heading", { name: "No certificates yet" })).toBeVisible();
  await expect(otherPage.getByRole("link", { name: "Add certificate authority" })).toBeVisible();

  await visit(page, "/certificates");
  await page.getByRole("link", { name: "Upload certificate" }).click();
  await expect(page).toHaveURL("/certificates/new");
  const valid = createCertificate(["*.shop.example.net", "shop.example.net"]);
  const wrong = createCertificate(["shop.example.net"]);
  await fill(page, "shop.example.net", valid.chain, wrong.key);
  await expect(page.getByText("shop.example.net uses self-signed certificates.")).toBeVisible();
  await uploadButton(page).click();
  const key = page.getByLabel("Private key", { exact: true });
  await expect(await fieldError(key)).toContainText("This is not the key of the certificate of *.shop.example.net.");
  await expect(key).toHaveValue(wrong.key);
  await expect(page.getByLabel("Certificate and chain", { exact: true })).toHaveValue(valid.chain);

  await key.fill(valid.key);
  await uploadButton(page).click();
  await expect(page).toHaveURL(/\/certificates\/\d+$/);
  const own = new URL(page.url()).pathname;
  await expect(page.getByRole("heading", { level: 1, name: "*.shop.example.net" })).toBeVisible();
  await expect(status(page)).toHaveText("issued");
  const facts = page.locator(".facts");
  for (const text of ["*.shop.example.net, shop.example.net", "Test CA", "ECDSA P-256", "in 88 days"]) {
    await expect(facts).toContainText(text);
  }
  await expect(page.getByRole("listitem").filter({ hasText: "uploaded" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Upload replacement" })).toHaveAttribute("href", `/certificates/new?domain=${domain.split("/")[2]}`);
  // Other users see the certificate without a reload.
  await expect(row(otherPage, "*.shop.example.net")).toContainText("issued");
  await expect(row(otherPage, "*.shop.example.net")).toContainText("manual renewal");
  await expect(row(otherPage, "*.shop.example.net")).toContainText("unused");
  // The key is never sent to the browser.
  for (const path of [own, domain, `${domain}/certificates`, "/certificates", "/certificates/new"]) {
    const response = await visit(page, path);
    const sent = await response!.text();
    expect(sent).toContain("shop.example.net");
    for (const line of pemLines(valid.key)) expect(sent).not.toContain(line);
  }

  await visit(page, domain);
  await expect(page.locator(".facts")).toContainText("1 valid");
  await openTab(page, "Certificates");
  await expect(row(page, "*.shop.example.net")).toContainText("in 88 days");
  await expect(page.locator(".facts")).toContainText("upload");
  await visit(page, "/domains");
  await expect(row(page, "shop.example.net")).toContainText("1 valid");

  await visit(page, own);
  await page.getByRole("button", { name: "Delete *.shop.example.net" }).click();
  await expect(page.getByRole("dialog")).toContainText("The certificate for *.shop.example.net, shop.example.net");
  await confirmDeletion(page, "*.shop.example.net");
  await expect(page).toHaveURL("/certificates");
  await expect(page.getByText("Deleted certificate *.shop.example.net.")).toBeVisible();
  for (const each of [page, otherPage]) await expect(row(each, "*.shop.example.net")).toHaveCount(0);
});

test("an invalid upload shows errors at its fields", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/certificates/upload");
  await createDomain(page, "wrong.example.net");
  await visit(page, "/certificates/new");
  const chain = page.getByLabel("Certificate and chain", { exact: true });
  const key = page.getByLabel("Private key", { exact: true });
  await uploadButton(page).click();
  for (const field of [chain, key]) await expect(await fieldError(field)).not.toBeEmpty();

  const other = createCertificate(["www.example.com"]);
  await fill(page, "wrong.example.net", other.chain, "-----BEGIN ENCRYPTED PRIVATE KEY-----");
  await uploadButton(page).click();
  await expect(await fieldError(key)).toContainText("The key has a passphrase.");
  await key.fill(other.key);
  await uploadButton(page).click();
  await expect(await fieldError(chain)).toHaveText("The certificate is for www.example.com. Upload a certificate for names under wrong.example.net.");
  const expired = createCertificate(["wrong.example.net"], { since: 60, days: -1 });
  await fill(page, "wrong.example.net", expired.chain, expired.key);
  await uploadButton(page).click();
  await expect(await fieldError(chain)).toContainText("Upload a valid certificate.");
  await expect(key).toHaveValue(expired.key);
  await visit(page, "/certificates");
  await expect(page.getByRole("heading", { name: "No certificates yet" })).toBeVisible();
});

test("an expiring certificate is reported above the list until it is replaced", async ({ page }) => {
  await createDomain(page, "ends.example.net");
  await upload(page, "ends.example.net", createCertificate(["ends.example.net"], { since: 100, days: 5 }));
  await expect(status(page)).toHaveText("expiring");
  await visit(page, "/certificates");
  const panel = page.getByRole("region", { name: "Needs attention" });
  await expect(panel).toContainText("1 certificate needs attention");
  await expect(panel).toContainText("Expires soon and is not renewed automatically. Upload a replacement.");
  await visit(page, "/domains");
  await expect(row(page, "ends.example.net")).toContainText("1 needs attention");

  await visit(page, "/certificates");
  await page.getByLabel("All statuses").selectOption("needs attention");
  await expect(page).toHaveURL("/certificates?state=alarming");
  await panel.getByRole("link", { name: "ends.example.net" }).click();
  await page.getByRole("link", { name: "Upload replacement" }).click();
  await expect(page.getByLabel("Domain", { exact: true }).locator("option:checked")).toHaveText("ends.example.net (lab)");
  const replacement = createCertificate(["ends.example.net"]);
  await fill(page, "ends.example.net", replacement.chain, replacement.key);
  await uploadButton(page).click();
  await expect(status(page)).toHaveText("issued");
  await expect(page.getByRole("listitem").filter({ hasText: "uploaded" })).toHaveCount(2);
  await visit(page, "/certificates?q=ends");
  await expect(panel).toHaveCount(0);
  await expect(row(page, "ends.example.net")).toContainText("in 88 days");
  await visit(page, "/certificates?q=nothing-is-called-this");
  await expect(page.getByRole("heading", { name: "No certificates match" })).toBeVisible();
});

test("a failed issuance shows the reason and is retried on request", async ({ page, open, server }) => {
  await createAuthority(page, "unreachable");
  await createProvider(page, "unreachable", "failing.example.net");
  await createDomain(page, "failing.example.net");
  await openTab(page, "Settings");
  await page.getByLabel("Certificate source", { exact: true }).selectOption("ACME wildcard (DNS-01)");
  await expect(page.getByLabel("Certificate authority", { exact: true }).locator("option:checked")).toHaveText("unreachable");
  await page.getByLabel("DNS provider", { exact: true }).selectOption("unreachable");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved failing.example.net.")).toBeVisible();
  await openTab(page, "Certificates");
  await row(page, "*.failing.example.net").getByRole("link").click();
  await expect(status(page)).toHaveText("failed");
  const failure = page.getByRole("region", { name: "Issuance failure" });
  await expect(failure).toContainText("Last attempt");
  await expect(page.getByText("none yet: edge hosts serve a self-signed certificate")).toBeVisible();
  await expect(page.getByText(/^retry in \d+ min|^retry in a moment/)).toBeVisible();
  const failed = page.getByRole("listitem").filter({ hasText: "failed" });
  await expect(failed).toHaveCount(1);
  await markDocument(page);
  await page.getByRole("button", { name: "Retry now" }).click();
  await expect(failed).toHaveCount(2);
  await expect(failure).toContainText("2 failures in a row");
  await expectSameDocument(page);
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/certificates");
  await expect(otherPage.getByRole("region", { name: "Needs attention" })).toContainText("*.failing.example.net");
});

test("an operator uploads a certificate", async ({ server, open }) => {
  const otto = await open(await server.addUser("otto", "operator"));
  await visit(otto, "/containers");
  await otto.getByRole("link", { name: "Certificates", exact: true }).first().click();
  await expect(otto).toHaveURL("/certificates");
  await createDomain(otto, "otto.example.net");
  await upload(otto, "otto.example.net", createCertificate(["otto.example.net"]));
  await expect(otto.getByRole("button", { name: "Delete otto.example.net" })).toBeEnabled();
});
