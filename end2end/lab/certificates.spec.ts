import type { Page } from "@playwright/test";
import { confirmDeletion, status, visit } from "../harness/pages";
import { tryOn, runInLab, lab, runOn } from "./lab.mjs";
import { EDGE, TEMPLATE, addAuthority, addDomain, signIn } from "./site.mjs";
import { expect, test } from "./test";

const NAME = "shop";
const PORT = 4017;
/** All names of this domain resolve to the edge host. */
const HTTP01_DOMAIN = "certs.example.org";
/** Holdfast manages the address records of this domain. */
const DNS01_DOMAIN = "dns.example.org";
const EDGE_PUBLIC_ADDRESS = "192.0.2.2";

/** Stores a CA's root certificate in a file on the client. */
async function storeRoot(file: string, { control }: { control: string }): Promise<string> {
  const root = await runInLab(`curl --silent --insecure ${control}/roots/0`);
  await runOn("client", `cat >${file}`, root);
  return file;
}

/** Fetches a page on the client with these root certificates. Returns an empty string on failure. */
async function fetchPage(host: string, roots: string): Promise<string> {
  const { code, stdout } = await tryOn("client", `curl --silent --fail --cacert ${roots} --max-time 5 https://${host}/page`);
  return code === 0 ? stdout : "";
}

/** Returns the fingerprint of the certificate that is served for a name. */
async function servedFingerprint(host: string): Promise<string> {
  const line = `openssl s_client -connect ${EDGE_PUBLIC_ADDRESS}:443 -servername ${host} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`;
  const { stdout } = await tryOn("client", line);
  return stdout.trim();
}

/** Returns the echo of a TLS connection to the port, after verification of the certificate. */
async function echo(host: string, roots: string): Promise<string> {
  const command = `openssl s_client -quiet -verify_quiet -verify_return_error -verify_hostname ${host} -CAfile ${roots} -servername ${host} -connect ${EDGE}:${PORT}`;
  const { stdout } = await tryOn("client", `(echo hello; sleep 1) | timeout 5 ${command} 2>/dev/null`);
  return stdout.trim();
}

/** Adds the lab's name server as a DNS provider and tests it. */
async function addProvider(page: Page): Promise<void> {
  await visit(page, "/providers/new");
  await page.getByLabel("Kind", { exact: true }).selectOption("rfc2136");
  await page.getByLabel("Name", { exact: true }).fill("zone");
  await page.getByLabel("Name server", { exact: true }).fill(lab.nameServer.address);
  await page.getByLabel("Zone", { exact: true }).fill(DNS01_DOMAIN);
  await page.getByLabel("Key name", { exact: true }).fill(lab.nameServer.keyName);
  await page.getByLabel("Secret", { exact: true }).fill(lab.nameServer.key);
  await page.getByRole("button", { name: "Add DNS provider" }).click();
  await page.getByRole("heading", { level: 1, name: "zone" }).waitFor();
  await page.getByLabel("Domain", { exact: true }).fill(DNS01_DOMAIN);
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByText(`All checks passed for ${DNS01_DOMAIN}.`)).toBeVisible({ timeout: 60_000 });
}

async function addDomains(page: Page): Promise<void> {
  await addDomain(page, HTTP01_DOMAIN, async () => {
    await page.getByLabel("Certificate source").selectOption("http");
    await page.getByLabel("Certificate authority", { exact: true }).selectOption({ label: "by-http" });
  });
  await addDomain(page, DNS01_DOMAIN, async () => {
    await page.getByLabel("Certificate source").selectOption("wildcard");
    await page.getByLabel("Certificate authority", { exact: true }).selectOption({ label: "by-dns" });
    await page.getByLabel("DNS provider", { exact: true }).selectOption({ label: "zone" });
    await page.getByLabel("Manage address records").check();
  });
}

/** Adds a row to the form of services and returns it. */
async function addService(page: Page, number: number, kind: string, containerPort: string) {
  if (number > 1) await page.getByRole("button", { name: "Add port" }).click();
  const row = page.getByRole("group", { name: `Service ${number}` });
  await row.getByLabel("Kind").selectOption(kind);
  await row.getByLabel("Container port").fill(containerPort);
  return row;
}

async function submitContainer(page: Page): Promise<void> {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Template or image").fill(TEMPLATE);
  const first = await addService(page, 1, "http", "80");
  await first.getByLabel("Domain", { exact: true }).selectOption(HTTP01_DOMAIN);
  const second = await addService(page, 2, "http", "8080");
  await second.getByLabel("Domain", { exact: true }).selectOption(DNS01_DOMAIN);
  const third = await addService(page, 3, "tcp", "7");
  await third.getByLabel("External port").fill(String(PORT));
  await third.getByText("Publishing options").click();
  await third.getByLabel("TLS", { exact: true }).check();
  await third.getByLabel("Domain", { exact: true }).selectOption(DNS01_DOMAIN);
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(status(page)).toHaveText("running", { timeout: 90_000 });
}

/** Returns the row of a certificate in the list. */
const row = (page: Page, subject: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name: subject, exact: true }) });

test("new hostnames are served with valid certificates that are renewed automatically", async ({ page }) => {
  const [httpHost, dnsHost] = [`${NAME}.${HTTP01_DOMAIN}`, `${NAME}.${DNS01_DOMAIN}`];
  let [byHttp, byDns, before] = ["", "", ""];

  await test.step("CAs, a DNS provider and domains are added", async () => {
    await signIn(page);
    await visit(page, "/sites/lab/settings");
    await page.getByLabel("Public address (IPv4)").fill(EDGE_PUBLIC_ADDRESS);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(page.getByText("Saved lab.")).toBeVisible();
    await addAuthority(page, "by-http", lab.authorities.byHttp);
    await addAuthority(page, "by-dns", lab.authorities.byDns);
    await addProvider(page);
    await addDomains(page);
    byHttp = await storeRoot("/run/by-http.pem", lab.authorities.byHttp);
    byDns = await storeRoot("/run/by-dns.pem", lab.authorities.byDns);
  });

  await test.step("the wildcard certificate is issued before any hostname exists", async () => {
    await visit(page, "/certificates");
    await expect(row(page, `*.${DNS01_DOMAIN}`)).toContainText("issued", { timeout: 60_000 });
  });

  await test.step("a hostname with HTTP-01 validation is served with a valid certificate", async () => {
    await submitContainer(page);
    await expect.poll(() => fetchPage(httpHost, byHttp), { timeout: 60_000 }).toContain(`${NAME}:80 GET /page`);
    before = await servedFingerprint(httpHost);
  });

  await test.step("a hostname with DNS-01 validation resolves and is served with a valid certificate", async () => {
    await expect.poll(() => runOn("client", `dig +short +time=2 @${lab.nameServer.address} ${dnsHost}`)).toBe(EDGE_PUBLIC_ADDRESS);
    await expect.poll(() => fetchPage(dnsHost, byDns), { timeout: 60_000 }).toContain(`${NAME}:8080 GET /page`);
    expect(await fetchPage(dnsHost, byHttp), "the certificate is signed by the other CA only").toBe("");
  });

  await test.step("the port serves TLS with the same hostname", async () => {
    await expect.poll(() => echo(dnsHost, byDns)).toBe("hello");
  });

  await test.step("the certificate is renewed automatically", async () => {
    await visit(page, "/certificates");
    await row(page, httpHost).getByRole("link", { name: httpHost }).click();
    await expect(page.getByRole("heading", { level: 1, name: httpHost })).toBeVisible();
    await expect.poll(() => servedFingerprint(httpHost), { timeout: 120_000, intervals: [1000] }).not.toBe(before);
    expect(await fetchPage(httpHost, byHttp)).toContain(`${NAME}:80 GET /page`);
    await expect(page.getByText("renewed", { exact: true }).first()).toBeVisible();
  });

  await test.step("deleting the container removes its records and challenge responses", async () => {
    await visit(page, `/sites/lab/containers/${NAME}/settings`);
    await expect(page.getByRole("button", { name: /running jobs?$/ })).toHaveCount(0);
    await page.getByRole("button", { name: `Delete ${NAME}` }).click();
    await confirmDeletion(page, NAME);
    await expect(status(page)).toHaveText("done", { timeout: 60_000 });
    await expect.poll(() => runOn("client", `dig +short +time=2 @${lab.nameServer.address} ${dnsHost}`)).toBe("");
    expect(await runOn("client", `dig +short +time=2 @${lab.nameServer.address} TXT _acme-challenge.${DNS01_DOMAIN}`)).toBe("");
    expect(await runOn("edge", "find /var/lib/holdfast-agent/live/ -path '*/responses/*'")).toBe("");
  });
});
