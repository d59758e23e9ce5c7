import type { Page } from "@playwright/test";
import { confirmDeletion, status, visit } from "../harness/pages";
import { attempt, here, lab, on } from "./lab.mjs";
import { EDGE, TEMPLATE, addAuthority, addDomain, signIn } from "./site.mjs";
import { expect, test } from "./test";

const NAME = "shop";
const PORT = 4017;
/** Its names lead to the edge host, whatever anybody does. */
const BY_HTTP = "certs.example.org";
/** Its names lead where Holdfast says. */
const BY_DNS = "dns.example.org";
const EDGE_OUTSIDE = "192.0.2.2";

/** Has the client trust an authority's certificates, in a file. */
async function trust(file: string, { control }: { control: string }): Promise<string> {
  const root = await here(`curl --silent --insecure ${control}/roots/0`);
  await on("client", `cat >${file}`, root);
  return file;
}

/** A web page as the client gets it whose certificate is good by these roots; empty when it is not. */
async function web(host: string, roots: string): Promise<string> {
  const { code, said } = await attempt("client", `curl --silent --fail --cacert ${roots} --max-time 5 https://${host}/page`);
  return code === 0 ? said : "";
}

/** The fingerprint of the certificate that the client is shown for a name. */
async function shown(host: string): Promise<string> {
  const line = `openssl s_client -connect ${EDGE_OUTSIDE}:443 -servername ${host} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`;
  const { said } = await attempt("client", line);
  return said.trim();
}

/** What is said back through TLS at the port, by a certificate that is good for the name. */
async function echo(host: string, roots: string): Promise<string> {
  const talk = `openssl s_client -quiet -verify_quiet -verify_return_error -verify_hostname ${host} -CAfile ${roots} -servername ${host} -connect ${EDGE}:${PORT}`;
  const { said } = await attempt("client", `(echo hello; sleep 1) | timeout 5 ${talk} 2>/dev/null`);
  return said.trim();
}

/** Adds the name server of the lab as a provider, and tries it. */
async function addProvider(page: Page): Promise<void> {
  await visit(page, "/providers/new");
  await page.getByLabel("Kind", { exact: true }).selectOption("rfc2136");
  await page.getByLabel("Name", { exact: true }).fill("zone");
  await page.getByLabel("Name server", { exact: true }).fill(lab.nameServer.address);
  await page.getByLabel("Zone", { exact: true }).fill(BY_DNS);
  await page.getByLabel("Key's name", { exact: true }).fill(lab.nameServer.keyName);
  await page.getByLabel("Key", { exact: true }).fill(lab.nameServer.key);
  await page.getByRole("button", { name: "Add zone" }).click();
  await page.getByRole("heading", { level: 1, name: "zone" }).waitFor();
  await page.getByLabel("Domain", { exact: true }).fill(BY_DNS);
  await page.getByRole("button", { name: "Try it" }).click();
  await expect(page.getByText(`All is as it must be for ${BY_DNS}.`)).toBeVisible({ timeout: 60_000 });
}

async function addDomains(page: Page): Promise<void> {
  await addDomain(page, BY_HTTP, async () => {
    await page.getByLabel("How they are had").selectOption("http");
    await page.getByLabel("Authority", { exact: true }).selectOption({ label: "by-http" });
  });
  await addDomain(page, BY_DNS, async () => {
    await page.getByLabel("How they are had").selectOption("wildcard");
    await page.getByLabel("Authority", { exact: true }).selectOption({ label: "by-dns" });
    await page.getByLabel("DNS provider", { exact: true }).selectOption({ label: "zone" });
    await page.getByLabel("Keep addresses of names there").check();
  });
}

/** Adds a row to the form of services and gives it. */
async function service(page: Page, number: number, kind: string, inner: string) {
  if (number > 1) await page.getByRole("button", { name: "Add a port" }).click();
  const row = page.getByRole("group", { name: `Service ${number}` });
  await row.getByLabel("Kind").selectOption(kind);
  await row.getByLabel("Inner port").fill(inner);
  return row;
}

async function makeContainer(page: Page): Promise<void> {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Template or image").fill(TEMPLATE);
  const first = await service(page, 1, "http", "80");
  await first.getByLabel("Domain", { exact: true }).selectOption(BY_HTTP);
  const second = await service(page, 2, "http", "8080");
  await second.getByLabel("Domain", { exact: true }).selectOption(BY_DNS);
  const third = await service(page, 3, "tcp", "7");
  await third.getByLabel("Outer port").fill(String(PORT));
  await third.getByText("How it is published").click();
  await third.getByLabel("TLS", { exact: true }).check();
  await third.getByLabel("Domain", { exact: true }).selectOption(BY_DNS);
  await page.getByRole("button", { name: `Create ${NAME}` }).click();
  await expect(status(page)).toHaveText("running", { timeout: 90_000 });
}

/** The row of a certificate in the list of all. */
const row = (page: Page, subject: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name: subject, exact: true }) });

test("new names answer with certificates that are good, which are renewed by themselves", async ({ page }) => {
  const [one, all] = [`${NAME}.${BY_HTTP}`, `${NAME}.${BY_DNS}`];
  let [byHttp, byDns, before] = ["", "", ""];

  await test.step("authorities, a provider and domains are added", async () => {
    await signIn(page);
    await visit(page, "/sites/lab");
    await page.getByLabel("Public address (IPv4)").fill(EDGE_OUTSIDE);
    await page.getByRole("button", { name: "Save the site" }).click();
    await expect(page.getByText("Saved lab.")).toBeVisible();
    await addAuthority(page, "by-http", lab.authorities.byHttp);
    await addAuthority(page, "by-dns", lab.authorities.byDns);
    await addProvider(page);
    await addDomains(page);
    byHttp = await trust("/run/by-http.pem", lab.authorities.byHttp);
    byDns = await trust("/run/by-dns.pem", lab.authorities.byDns);
  });

  await test.step("the certificate for all names is there before any of them", async () => {
    await visit(page, "/certificates");
    await expect(row(page, `*.${BY_DNS}`)).toContainText("issued", { timeout: 60_000 });
  });

  await test.step("a name that the edge host proves answers with a good certificate", async () => {
    await makeContainer(page);
    await expect.poll(() => web(one, byHttp), { timeout: 60_000 }).toContain(`${NAME}:80 GET /page`);
    before = await shown(one);
  });

  await test.step("a name that is proved by DNS is found, and answers too", async () => {
    await expect.poll(() => on("client", `dig +short +time=2 @${lab.nameServer.address} ${all}`)).toBe(EDGE_OUTSIDE);
    await expect.poll(() => web(all, byDns), { timeout: 60_000 }).toContain(`${NAME}:8080 GET /page`);
    expect(await web(all, byHttp), "each authority's own").toBe("");
  });

  await test.step("the port speaks TLS by the same name", async () => {
    await expect.poll(() => echo(all, byDns)).toBe("hello");
  });

  await test.step("the certificate is renewed by itself", async () => {
    await visit(page, "/certificates");
    await row(page, one).getByRole("link", { name: one }).click();
    await expect(page.getByRole("heading", { level: 1, name: one })).toBeVisible();
    await expect.poll(() => shown(one), { timeout: 120_000, intervals: [1000] }).not.toBe(before);
    expect(await web(one, byHttp)).toContain(`${NAME}:80 GET /page`);
    await expect(page.getByText("renewed", { exact: true }).first()).toBeVisible();
  });

  await test.step("with the container go its names, and what proved them", async () => {
    await visit(page, `/sites/lab/containers/${NAME}/settings`);
    await expect(page.getByRole("button", { name: "No running jobs" })).toBeVisible();
    await page.getByRole("button", { name: `Delete ${NAME}` }).click();
    await confirmDeletion(page, NAME);
    await expect(status(page)).toHaveText("done", { timeout: 60_000 });
    await expect.poll(() => on("client", `dig +short +time=2 @${lab.nameServer.address} ${all}`)).toBe("");
    expect(await on("client", `dig +short +time=2 @${lab.nameServer.address} TXT _acme-challenge.${BY_DNS}`)).toBe("");
    expect(await on("edge", "find /var/lib/holdfast-agent/live/ -path '*/answers/*'")).toBe("");
  });
});
