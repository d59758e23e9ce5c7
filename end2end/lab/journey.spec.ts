import type { Page } from "@playwright/test";
import { confirmDeletion, status, visit } from "../harness/pages";
import { attempt, here, isThere, on } from "./lab.mjs";
import { DOMAIN, EDGE, PUBLIC, TEMPLATE, build, lease, signIn } from "./site.mjs";
import { expect, test } from "./test";

const NAME = "wiki";
const PORT = 4007;
const RECORD = "_echo._udp";
const PAGE = `/sites/lab/containers/${NAME}`;

/** What the site's name server says, asked by the client as any program there asks. */
const dig = (what: string) => on("client", `dig +short +time=2 +tries=1 ${what}`);

/** A web page as the client gets it; empty when there is none. */
async function web(name: string): Promise<string> {
  const { code, said } = await attempt("client", `curl --silent --fail --insecure --max-time 5 https://${name}.${PUBLIC}/page`);
  return code === 0 ? said : "";
}

/** What comes back when a word is sent to the port. */
async function echo(transport: "tcp" | "udp"): Promise<string> {
  const line = `exec 3<>/dev/${transport}/${EDGE}/${PORT} && printf hello >&3 && timeout 2 head --bytes 5 <&3`;
  const { said } = await attempt("client", `bash -c '${line}' 2>/dev/null`);
  return said;
}

/** Adds a row to the form of services and gives it. */
async function port(page: Page, number: number, kind: string, inner: string) {
  await page.getByRole("button", { name: "Add a port" }).click();
  const row = page.getByRole("group", { name: `Service ${number}` });
  await row.getByLabel("Kind").selectOption(kind);
  await row.getByLabel("Inner port").fill(inner);
  return row;
}

async function makeContainer(page: Page): Promise<void> {
  await visit(page, "/containers/new");
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Template or image").fill(TEMPLATE);
  const first = page.getByRole("group", { name: "Service 1" });
  await first.getByLabel("Inner port").fill("80");
  await first.getByLabel("Domain", { exact: true }).selectOption(PUBLIC);
  const tcp = await port(page, 2, "TCP port", "7");
  await tcp.getByLabel("Outer port").fill(String(PORT));
  const udp = await port(page, 3, "UDP port", "7");
  await udp.getByLabel("Outer port").fill(String(PORT));
  const record = await port(page, 4, "SRV record", "7");
  await record.getByLabel("Name", { exact: true }).fill(RECORD);
  await page.getByRole("button", { name: `Create ${NAME}` }).click();
  await expect(page).toHaveURL(PAGE);
  await expect(status(page)).toHaveText("running", { timeout: 90_000 });
}

/** Presses a button of the container's page and waits until it has happened. */
async function press(page: Page, button: string, then: string): Promise<void> {
  await visit(page, PAGE);
  await page.getByRole("button", { name: button, exact: true }).click();
  await expect(status(page)).toHaveText(then, { timeout: 60_000 });
}

test("what is made in the browser answers by name, changes, and goes without a trace", async ({ page }) => {
  let address = "";

  await test.step("a site is made, and its edge host joins", async () => {
    await signIn(page);
    await build(page);
  });

  await test.step("the client gets an address of the site", async () => {
    await lease();
    expect(await on("client", "ip -4 -oneline address show dev eth0")).toContain(" 10.20.9.");
    expect(await on("client", "cat /etc/resolv.conf")).toContain(`nameserver ${EDGE}`);
  });

  await test.step("a container gets the address that was reserved for it", async () => {
    await makeContainer(page);
    const shown = await on(NAME, "ip -4 -oneline address show dev eth0");
    address = /inet (10\.20\.1\.\d+)\/16/.exec(shown)?.[1] ?? "";
    expect(address, shown).not.toBe("");
    await expect(page.getByText(address, { exact: true }).first()).toBeVisible();
    expect(await on(NAME, "hostname")).toBe(NAME);
  });

  await test.step("its name, its address and its service are found", async () => {
    await expect.poll(() => dig(`${NAME}.${DOMAIN}`)).toBe(address);
    expect(await dig(`-x ${address}`)).toBe(`${NAME}.${DOMAIN}.`);
    await expect.poll(() => dig(`SRV ${RECORD}.${DOMAIN}`)).toBe(`0 0 7 ${NAME}.${DOMAIN}.`);
    expect(await dig(`nobody.${DOMAIN}`)).toBe("");
  });

  await test.step("its page and its ports answer from outside", async () => {
    await expect.poll(() => web(NAME)).toContain(`${NAME}:80 GET /page`);
    expect(await web("nobody")).toBe("");
    await expect.poll(() => echo("tcp")).toBe("hello");
    await expect.poll(() => echo("udp")).toBe("hello");
  });

  await test.step("stopped, nothing of it runs; started, it is where it was", async () => {
    await press(page, "Stop", "stopped");
    await expect.poll(() => isThere(NAME)).toBe(false);
    expect(await web(NAME)).toBe("");
    await press(page, "Start", "running");
    await expect.poll(() => isThere(NAME)).toBe(true);
    await expect.poll(() => web(NAME)).toContain(`${NAME}:80 GET /page`);
    expect(await dig(`${NAME}.${DOMAIN}`)).toBe(address);
  });

  await test.step("another name and another port take the place of the old", async () => {
    await visit(page, `${PAGE}/services`);
    const first = page.getByRole("group", { name: "Service 1" });
    await first.getByLabel("Inner port").fill("8080");
    await first.getByLabel(/^Name/).fill("second");
    await page.getByRole("button", { name: `Change ${NAME}` }).click();
    await expect(page.getByText(`Changed ${NAME}.`)).toBeVisible();
    await expect.poll(() => web("second")).toContain(`${NAME}:8080 GET /page`);
    expect(await web(NAME)).toBe("");
  });

  await test.step("deleted, it leaves nothing behind", async () => {
    await visit(page, `${PAGE}/settings`);
    // The edge host is quicker than the change's own job, beside which nothing is deleted.
    await expect(page.getByRole("button", { name: "No running jobs" })).toBeVisible();
    await page.getByRole("button", { name: `Delete ${NAME}` }).click();
    await confirmDeletion(page, NAME);
    await expect(status(page)).toHaveText("done", { timeout: 60_000 });
    await expect.poll(() => web("second")).toBe("");
    await expect.poll(() => dig(`${NAME}.${DOMAIN}`)).toBe("");
    expect(await dig(`-x ${address}`)).toBe("");
    expect(await dig(`SRV ${RECORD}.${DOMAIN}`)).toBe("");
    for (const transport of ["tcp", "udp"] as const) expect(await echo(transport)).toBe("");
    const traces = `grep --recursive --dereference-recursive --files-with-matches --word-regexp -e ${NAME} -e ${address} /var/lib/holdfast-agent/live/ || test $? = 1`;
    expect(await on("edge", traces)).toBe("");
    expect(isThere(NAME)).toBe(false);
    expect(await here(`pgrep --full 'holdfast-lab guest ${NAME}$' || test $? = 1`)).toBe("");
    expect(await here("nsenter --net --target $(pgrep --newest --full 'holdfast-lab guest switch$') ip -brief link")).not.toMatch(/^ct5/m);
  });
});
