import {
  confirmDeletion,
  containerPath,
  createContainer,
  createAuthority,
  createDomain,
  createProvider,
  openTab,
  fieldError,
  row,
  visit,
} from "../harness/pages";
import { expect, test } from "../harness/test";

test("a domain is created, changed and deleted", async ({ page, server, open }) => {
  await server.addUser("dora");
  const otherPage = await open(server.administrator);
  await visit(otherPage, "/domains");
  await expect(row(otherPage, "lab.example.org")).toContainText("all users");

  await visit(page, "/domains");
  await page.getByRole("link", { name: "New domain" }).click();
  await expect(page).toHaveURL("/domains/new");
  await expect(page.getByLabel("Site", { exact: true }).locator("option:checked")).toHaveText("lab");
  await page.getByLabel("Domain", { exact: true }).fill("shop.example.net");
  await expect(page.getByLabel("Users", { exact: true })).toHaveCount(0);
  await page.getByLabel("Who can publish", { exact: true }).selectOption("Selected users");
  await page.getByLabel("Users", { exact: true }).fill("dora");
  await page.getByLabel(/^Sign-in/).fill("http://10.20.0.5:4180");
  await page.getByLabel(/^Enforce HTTPS/).selectOption("1 year");
  await expect(page.getByText("Browsers use only HTTPS for 1 year")).toBeVisible();
  await page.getByRole("button", { name: "Create domain" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "shop.example.net" })).toBeVisible();
  await expect(page.getByText("1 year", { exact: true })).toBeVisible();
  // Other users see the domain without a reload.
  const listed = row(otherPage, "shop.example.net");
  for (const text of ["lab", "dora", "http://10.20.0.5:4180", "1 year"]) await expect(listed).toContainText(text);

  await openTab(page, "Settings");
  await expect(page).toHaveURL(/\/domains\/\d+\/settings$/);
  await page.getByLabel("Who can publish", { exact: true }).selectOption("Operators only");
  await expect(page.getByLabel("Users", { exact: true })).toHaveCount(0);
  await page.getByLabel("Domain", { exact: true }).fill("shop.example.org");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved shop.example.org.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "shop.example.org" })).toBeVisible();
  await expect(row(otherPage, "shop.example.org")).toContainText("operators");

  await page.getByRole("button", { name: "Delete shop.example.org" }).click();
  await expect(page.getByRole("dialog")).toContainText("The sign-in URL http://10.20.0.5:4180");
  await confirmDeletion(page, "shop.example.org");
  await expect(page).toHaveURL("/domains");
  await expect(page.getByText("Deleted domain shop.example.org.")).toBeVisible();
  for (const each of [page, otherPage]) await expect(row(each, "shop.example.org")).toHaveCount(0);
});

test("invalid fields of a domain show errors", async ({ page, watch }) => {
  watch.expect(422, "/api/ui/domains/create");
  await visit(page, "/domains/new");
  const name = page.getByLabel("Domain", { exact: true });
  const signIn = page.getByLabel(/^Sign-in/);
  await name.fill("*.example.net");
  await signIn.fill("login");
  await page.getByLabel("Who can publish", { exact: true }).selectOption("Selected users");
  await page.getByRole("button", { name: /^Create/ }).click();
  const users = page.getByLabel("Users", { exact: true });
  for (const field of [name, signIn, users]) await expect(await fieldError(field)).not.toBeEmpty();
  await expect(page).toHaveURL("/domains/new");

  // Errors from the server appear at the same fields.
  await name.fill("wrong.example.net");
  await signIn.fill("");
  await users.fill("admin, unknown");
  await page.getByRole("button", { name: "Create domain" }).click();
  await expect(await fieldError(users)).toHaveText("The user unknown does not exist.");
  await page.getByLabel("Who can publish", { exact: true }).selectOption("All users");
  await name.fill("lab.example.org");
  await page.getByRole("button", { name: "Create domain" }).click();
  await expect(await fieldError(name)).toHaveText("The site already has this domain.");
});

test("the certificate source of a domain is selected, and missing requirements are shown", async ({ page }) => {
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill("acme.example.net");
  const source = page.getByLabel("Certificate source", { exact: true });
  const authority = page.getByLabel("Certificate authority", { exact: true });
  const provider = page.getByLabel("DNS provider", { exact: true });
  const addresses = page.getByLabel("Manage address records");
  await expect(page.getByText("but browsers warn about every page")).toBeVisible();
  await expect(authority).toHaveCount(0);
  await expect(addresses).toBeDisabled();
  await source.selectOption("ACME, one per name (HTTP-01)");
  await expect(page.getByText("on port 80 of the edge hosts")).toBeVisible();
  await expect(page.getByRole("link", { name: "Add a certificate authority" })).toBeVisible();
  await page.getByRole("button", { name: "Create domain" }).click();
  await expect(await fieldError(authority)).toHaveText("Select a certificate authority.");

  // Objects that are added in another tab are selectable at once, and entered values are kept.
  const otherPage = await page.context().newPage();
  await createAuthority(otherPage, "internal-ca");
  await createProvider(otherPage, "dns", "example.net");
  await expect(page.getByRole("link", { name: "Add a certificate authority" })).toHaveCount(0);
  await authority.selectOption("internal-ca");
  await source.selectOption("ACME wildcard (DNS-01)");
  await page.getByRole("button", { name: "Create domain" }).click();
  await expect(await fieldError(provider)).toContainText("Select a DNS provider for the DNS-01 challenges.");
  await provider.selectOption("dns");
  await addresses.check();
  await expect(page.getByText("The site lab has no public address")).toBeVisible();
  await page.getByRole("button", { name: "Create domain" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "acme.example.net" })).toBeVisible();
  const facts = page.locator(".facts");
  await expect(facts).toContainText("ACME wildcard (DNS-01)");
  await expect(facts).toContainText("dns, with address records");
  // The certificate is requested automatically and appears without a reload.
  await openTab(page, "Certificates");
  await expect(row(page, "*.acme.example.net")).toBeVisible();
  await expect(row(page, "*.acme.example.net")).toContainText("failed");
  await visit(otherPage, "/domains");
  await expect(row(otherPage, "acme.example.net")).toContainText("1 needs attention");
  // The dialog lists all deleted objects, and the failed certificate.
  await openTab(page, "Settings");
  await expect(page.getByText("Address records that Holdfast created are removed")).toBeVisible();
  await page.getByRole("button", { name: "Delete acme.example.net" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("The certificate of the domain and its key, even if uploaded");
  await dialog.getByRole("button", { name: "Keep acme.example.net" }).click();
  // A CA or DNS provider in use cannot be deleted.
  for (const path of ["/authorities/internal-ca", "/providers/dns"]) {
    await visit(otherPage, path);
    await expect(otherPage.getByRole("link", { name: "acme.example.net" })).toBeVisible();
    await expect(otherPage.getByText("Domains use this")).toBeVisible();
    await expect(otherPage.getByRole("button", { name: /^Delete/ })).toHaveCount(0);
  }

  await source.selectOption("None (self-signed)");
  await provider.selectOption("None");
  await expect(addresses).not.toBeChecked();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved acme.example.net.")).toBeVisible();
  await expect(page.getByText("DNS records do not change.")).toBeVisible();
  await openTab(page, "Certificates");
  await expect(page.getByText("Edge hosts serve self-signed certificates")).toBeVisible();
  await expect(row(page, "*.acme.example.net")).toHaveCount(0);
  await visit(otherPage, "/domains");
  await expect(row(otherPage, "acme.example.net")).toContainText("self-signed");
});

test("an operator opens and creates domains", async ({ server, open }) => {
  const oscar = await open(await server.addUser("oscar", "operator"));
  await visit(oscar, "/containers");
  await oscar.getByRole("link", { name: "Domains", exact: true }).first().click();
  await oscar.getByRole("link", { name: "lab.example.org", exact: true }).click();
  await openTab(oscar, "Settings");
  await expect(oscar.getByRole("button", { name: "Save", exact: true })).toBeEnabled();
  await createDomain(oscar, "oscar.example.net");
});

test("services are published under another domain, with options, and as SRV records", async ({ page }) => {
  await createDomain(page, "second.example.net");
  const domain = new URL(page.url()).pathname;
  await createContainer(page, "sip-server");

  await visit(page, containerPath("sip-server", "services"));
  const web = page.getByRole("group", { name: "Service 1" });
  await web.getByLabel("Domain", { exact: true }).selectOption("second.example.net");
  const options = web.getByText("Publishing options");
  await options.click();
  await web.getByLabel("Backend protocol").selectOption("HTTPS, any certificate");
  await web.getByLabel(/^Max. request body/).fill("64");
  await web.getByLabel(/^Idle timeout/).fill("30");
  await web.getByLabel("Buffering").check();
  await page.getByRole("button", { name: "Add port" }).click();
  const record = page.getByRole("group", { name: "Service 2" });
  await record.getByLabel("Kind").selectOption("SRV record");
  await record.getByLabel("Container port").fill("5060");
  await record.getByLabel("Name", { exact: true }).fill("_sip._tcp");
  await page.getByRole("button", { name: "Add port" }).click();
  const tlsPort = page.getByRole("group", { name: "Service 3" });
  await tlsPort.getByLabel("Container port").fill("1883");
  await tlsPort.getByText("Publishing options").click();
  await expect(tlsPort.getByLabel(/^Hostname/)).toHaveCount(0);
  await tlsPort.getByLabel("TLS", { exact: true }).check();
  await tlsPort.getByLabel(/^Hostname/).fill("mqtt");
  await tlsPort.getByLabel("Domain", { exact: true }).selectOption("second.example.net");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved sip-server.")).toBeVisible();

  const services = page.locator("section").filter({ has: page.getByRole("heading", { name: "Services", exact: true }) });
  await expect(services.getByRole("link", { name: "https://sip-server.second.example.net" })).toBeVisible();
  await expect(services).toContainText("SRV record, container port 5060");
  await expect(services).toContainText("_sip._tcp.lab.example.org");
  await expect(services).toContainText(/mqtt\.second\.example\.net:\d+\/tls/);
  await page.reload();
  await expect(services.getByRole("link", { name: "https://sip-server.second.example.net" })).toBeVisible();
  await expect(web.getByLabel("Domain", { exact: true }).locator("option:checked")).toHaveText("second.example.net");
  await options.click();
  await expect(web.getByLabel("Backend protocol")).toHaveValue("https");
  await expect(web.getByLabel(/^Max. request body/)).toHaveValue("64");
  await expect(web.getByLabel(/^Idle timeout/)).toHaveValue("30");
  await expect(web.getByLabel("Buffering")).toBeChecked();
  await expect(record.getByLabel("Name", { exact: true })).toHaveValue("_sip._tcp");
  await expect(tlsPort.getByLabel("TLS", { exact: true })).toBeChecked();
  await expect(tlsPort.getByLabel(/^Hostname/)).toHaveValue("mqtt");

  // A domain with services cannot be deleted.
  await visit(page, `${domain}/settings`);
  await expect(page.getByText("is published under this domain. Move or delete it first.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete second.example.net" })).toHaveCount(0);
});

test("missing address records are reported on the domain's page", async ({ page }) => {
  await visit(page, "/sites/lab/settings");
  await page.getByLabel(/^Public address \(IPv4\)/).fill("198.51.100.7");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved lab.")).toBeVisible();
  await createProvider(page, "unreachable", "example.net");
  await visit(page, "/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill("records.example.net");
  await page.getByLabel("DNS provider", { exact: true }).selectOption("unreachable");
  await page.getByLabel("Manage address records").check();
  await page.getByRole("button", { name: "Create domain" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "records.example.net" })).toBeVisible();
  const failures = page.getByRole("region", { name: "Failed address records" });
  await expect(failures).toHaveCount(0);

  const otherPage = await page.context().newPage();
  await createContainer(otherPage, "record-owner");
  await visit(otherPage, containerPath("record-owner", "services"));
  const web = otherPage.getByRole("group", { name: "Service 1" });
  await web.getByLabel("Domain", { exact: true }).selectOption("records.example.net");
  await otherPage.getByRole("button", { name: "Save" }).click();
  await expect(otherPage.getByText("Saved record-owner.")).toBeVisible();
  // Shown with and without a reload.
  const failure = failures.getByRole("row").filter({ hasText: "record-owner.records.example.net" });
  for (const reload of [false, true]) {
    if (reload) await page.reload();
    for (const text of ["A 198.51.100.7", "127.0.0.1", "retry"]) await expect(failure).toContainText(text);
  }
});
