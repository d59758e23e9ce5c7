import type { Page } from "@playwright/test";
import { confirmDeletion, status, visit } from "../harness/pages";
import { tryOn, runInLab, isRunning, runOn } from "./lab.mjs";
import { DOMAIN, EDGE, PUBLIC, TEMPLATE, buildSite, requestLease, signIn } from "./site.mjs";
import { expect, test } from "./test";

const NAME = "wiki";
const PORT = 4007;
const RECORD = "_echo._udp";
const PAGE = `/sites/lab/containers/${NAME}`;

/** Queries the site's name server from the client. */
const dig = (query: string) => runOn("client", `dig +short +time=2 +tries=1 ${query}`);

/** Fetches a page on the client. Returns an empty string on failure. */
async function fetchPage(name: string): Promise<string> {
  const { code, stdout } = await tryOn("client", `curl --silent --fail --insecure --max-time 5 https://${name}.${PUBLIC}/page`);
  return code === 0 ? stdout : "";
}

/** Sends a text to the port and returns the echo. */
async function echo(transport: "tcp" | "udp"): Promise<string> {
  const line = `exec 3<>/dev/${transport}/${EDGE}/${PORT} && printf hello >&3 && timeout 2 head --bytes 5 <&3`;
  const { stdout } = await tryOn("client", `bash -c '${line}' 2>/dev/null`);
  return stdout;
}

/** Adds a row to the form of services and returns it. */
async function addService(page: Page, number: number, kind: string, containerPort: string) {
  await page.getByRole("button", { name: "Add port" }).click();
  const row = page.getByRole("group", { name: `Service ${number}` });
  await row.getByLabel("Kind").selectOption(kind);
  await row.getByLabel("Container port").fill(containerPort);
  return row;
}

async function submitContainer(page: Page): Promise<void> {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Template or image").fill(TEMPLATE);
  const first = page.getByRole("group", { name: "Service 1" });
  await first.getByLabel("Container port").fill("80");
  await first.getByLabel("Domain", { exact: true }).selectOption(PUBLIC);
  const tcp = await addService(page, 2, "TCP port", "7");
  await tcp.getByLabel("External port").fill(String(PORT));
  const udp = await addService(page, 3, "UDP port", "7");
  await udp.getByLabel("External port").fill(String(PORT));
  const record = await addService(page, 4, "SRV record", "7");
  await record.getByLabel("Name", { exact: true }).fill(RECORD);
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(page).toHaveURL(PAGE);
  await expect(status(page)).toHaveText("running", { timeout: 90_000 });
}

/** Clicks a button on the container's page and waits for the resulting status. */
async function clickAndWaitForStatus(page: Page, button: string, expectedStatus: string): Promise<void> {
  await visit(page, PAGE);
  await page.getByRole("button", { name: button, exact: true }).click();
  await expect(status(page)).toHaveText(expectedStatus, { timeout: 60_000 });
}

test("a container is created, published, changed and deleted without leftovers", async ({ page }) => {
  let address = "";

  await test.step("a site is created and its edge host joins", async () => {
    await signIn(page);
    await buildSite(page);
  });

  await test.step("the client gets a lease from the site's DHCP range", async () => {
    await requestLease();
    expect(await runOn("client", "ip -4 -oneline address show dev eth0")).toContain(" 10.20.9.");
    expect(await runOn("client", "cat /etc/resolv.conf")).toContain(`nameserver ${EDGE}`);
  });

  await test.step("a container gets its reserved IP address", async () => {
    await submitContainer(page);
    const shown = await runOn(NAME, "ip -4 -oneline address show dev eth0");
    address = /inet (10\.20\.1\.\d+)\/16/.exec(shown)?.[1] ?? "";
    expect(address, shown).not.toBe("");
    await expect(page.getByText(address, { exact: true }).first()).toBeVisible();
    expect(await runOn(NAME, "hostname")).toBe(NAME);
  });

  await test.step("its hostname, reverse record and SRV record resolve", async () => {
    await expect.poll(() => dig(`${NAME}.${DOMAIN}`)).toBe(address);
    expect(await dig(`-x ${address}`)).toBe(`${NAME}.${DOMAIN}.`);
    await expect.poll(() => dig(`SRV ${RECORD}.${DOMAIN}`)).toBe(`0 0 7 ${NAME}.${DOMAIN}.`);
    expect(await dig(`unknown.${DOMAIN}`)).toBe("");
  });

  await test.step("its HTTP service and ports are reachable through the edge host", async () => {
    await expect.poll(() => fetchPage(NAME)).toContain(`${NAME}:80 GET /page`);
    expect(await fetchPage("unknown")).toBe("");
    await expect.poll(() => echo("tcp")).toBe("hello");
    await expect.poll(() => echo("udp")).toBe("hello");
  });

  await test.step("a stopped container is unreachable, and a started one has the same address", async () => {
    await clickAndWaitForStatus(page, "Stop", "stopped");
    await expect.poll(() => isRunning(NAME)).toBe(false);
    expect(await fetchPage(NAME)).toBe("");
    await clickAndWaitForStatus(page, "Start", "running");
    await expect.poll(() => isRunning(NAME)).toBe(true);
    await expect.poll(() => fetchPage(NAME)).toContain(`${NAME}:80 GET /page`);
    expect(await dig(`${NAME}.${DOMAIN}`)).toBe(address);
  });

  await test.step("a changed hostname and port replace the old ones", async () => {
    await visit(page, `${PAGE}/services`);
    const first = page.getByRole("group", { name: "Service 1" });
    await first.getByLabel("Container port").fill("8080");
    await first.getByLabel(/^Hostname/).fill("second");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(`Saved ${NAME}.`)).toBeVisible();
    await expect.poll(() => fetchPage("second")).toContain(`${NAME}:8080 GET /page`);
    expect(await fetchPage(NAME)).toBe("");
  });

  await test.step("a deleted container leaves no configuration behind", async () => {
    await visit(page, `${PAGE}/settings`);
    // The edge host may apply the change before its job ends. A deletion needs the job to have ended.
    await expect(page.getByRole("button", { name: /running jobs?$/ })).toHaveCount(0);
    await page.getByRole("button", { name: `Delete ${NAME}` }).click();
    await confirmDeletion(page, NAME);
    await expect(status(page)).toHaveText("done", { timeout: 60_000 });
    await expect.poll(() => fetchPage("second")).toBe("");
    await expect.poll(() => dig(`${NAME}.${DOMAIN}`)).toBe("");
    expect(await dig(`-x ${address}`)).toBe("");
    expect(await dig(`SRV ${RECORD}.${DOMAIN}`)).toBe("");
    for (const transport of ["tcp", "udp"] as const) expect(await echo(transport)).toBe("");
    const traces = `grep --recursive --dereference-recursive --files-with-matches --word-regexp -e ${NAME} -e ${address} /var/lib/holdfast-agent/live/ || test $? = 1`;
    expect(await runOn("edge", traces)).toBe("");
    expect(isRunning(NAME)).toBe(false);
    expect(await runInLab(`pgrep --full 'holdfast-lab host ${NAME}$' || test $? = 1`)).toBe("");
    expect(await runInLab("nsenter --net --target $(pgrep --newest --full 'holdfast-lab host switch$') ip -brief link")).not.toMatch(/^ct5/m);
  });
});
