// A member with bad intentions, and what the site serves meanwhile.

import { ATTACKS } from "../hostile/attacks.mjs";
import { Client } from "../hostile/client.mjs";
import { EDGE, PUBLIC, TEMPLATE } from "./site.mjs";
import { lab, tryOn } from "./lab.mjs";
import { expect, test } from "./test";

const VICTIM = { siteName: "lab", name: "ledger", label: "books", record: "_ledger._tcp", port: "4031", id: 0, job: 0 };
const passwords = { alice: "correct horse of alice", mallory: "correct horse of mallory" };
const world = {
  administrator: new Client(lab.url),
  alice: new Client(lab.url),
  mallory: new Client(lab.url),
  victim: VICTIM,
  passwords,
  site: "",
  domain: PUBLIC,
  template: TEMPLATE,
};

/** Waits until a job has ended, and returns its state. */
async function jobState(client: Client, id: number): Promise<string> {
  await expect.poll(() => client.get("jobs/has-ended", { id }), { timeout: 90_000 }).toBe(true);
  return (await client.get("jobs/get", { id })).row.state;
}

/** What a visitor of the victim's site gets. */
async function fetchBooks(headers = ""): Promise<string> {
  const { stdout } = await tryOn("client", `curl --silent --insecure --max-time 5 ${headers} https://${VICTIM.label}.${PUBLIC}/`);
  return stdout;
}

/** Creates a container of a client and waits until it runs. */
async function create(client: Client, name: string, services: object[]): Promise<{ id: number; job: number }> {
  const form = { site: world.site, name, source: TEMPLATE, cores: "1", memory: "256 MiB", disk: "4", services };
  const created = await client.get("containers/create", { form });
  expect(await jobState(client, created.job)).toBe("done");
  return created;
}

test.describe.configure({ mode: "serial" });

test("two members and a container of the victim exist", async () => {
  expect(await world.administrator.signIn(lab.administrator.name, lab.administrator.password)).toBe(303);
  const sites = await world.administrator.get("sites/list", {});
  world.site = String(sites.find((site: { spec: { name: string } }) => site.spec.name === "lab").id);
  for (const name of ["alice", "mallory"] as const) {
    const form = { name, email: `${name}@example.org`, role: "member", password: passwords[name] };
    await world.administrator.get("users/create", { form });
    expect(await world[name].signIn(name, passwords[name])).toBe(303);
  }
  const services = [
    { kind: "http", port: "80", label: VICTIM.label, domain: PUBLIC },
    { kind: "tcp", port: "7", external: VICTIM.port },
    { kind: "srv", port: "7", name: VICTIM.record },
  ];
  Object.assign(VICTIM, await create(world.alice, VICTIM.name, services));
  await expect.poll(() => fetchBooks(), { timeout: 90_000 }).toContain(`${VICTIM.name}:80 GET /`);
});

for (const { title, attack } of ATTACKS) {
  test(title, async () => {
    await attack(world);
    await expect.poll(() => fetchBooks(), { message: "the victim is served" }).toContain(`${VICTIM.name}:80 GET /`);
  });
}

test("a port with TLS serves no other hostname, and visitors' headers name no user", async () => {
  await create(world.mallory, "mallet", [
    { kind: "http", port: "80", domain: PUBLIC },
    { kind: "tcp", port: "7", external: "4032", tls: true, label: "mallet", domain: PUBLIC },
  ]);
  const hello = async (name: string) => {
    const command = `openssl s_client -quiet -verify_quiet -servername ${name} -connect ${EDGE}:4032`;
    return (await tryOn("client", `(echo hello; sleep 1) | timeout 5 ${command} 2>/dev/null`)).stdout.trim();
  };
  await expect.poll(() => hello(`mallet.${PUBLIC}`)).toBe("hello");
  for (const other of [`${VICTIM.label}.${PUBLIC}`, PUBLIC, `other.${PUBLIC}`]) expect(await hello(other)).toBe("");
  const forged = "--header 'X-User: admin' --header 'X-Email: admin@example.org' --header 'X-Access-Token: t' --header 'Cookie: _oauth2_proxy=secret; own=1'";
  const received = await fetchBooks(forged);
  expect(received).toContain("own=1");
  expect(received).not.toMatch(/x-user|x-email|x-access-token|_oauth2_proxy/i);
});

test("nothing of the attacker remains", async () => {
  const detail = await world.mallory.get("containers/get", { site: "lab", name: "mallet", with_jobs: false });
  for (const [client, id, name] of [[world.mallory, detail.view.row.id, "mallet"], [world.alice, VICTIM.id, VICTIM.name]] as const) {
    const job = await client.get("containers/delete", { id, confirm: name });
    expect(await jobState(client, job)).toBe("done");
  }
  await expect.poll(() => fetchBooks()).not.toContain(VICTIM.name);
});
