// What a member with bad intentions tries. Each attack throws if it succeeds. `world` has the clients
// `mallory` (the attacker) and `alice` (the victim), both members, and what Alice owns.

import assert from "node:assert/strict";

/** The maximum size of most request bodies in bytes. */
const BODY_LIMIT = 256 << 10;

/** A form for a container of the attacker. */
const container = (world, name, services, changes = {}) => ({
  form: { site: world.site, name, source: world.template, cores: "1", memory: "256 MiB", disk: "4", services, ...changes },
});

/** Tries to create a container. It must be refused at this field, and the refusal must not reveal its owner. */
async function refusedAt(world, field, name, services, changes) {
  const { status, text } = await world.mallory.call("containers/create", container(world, name, services, changes));
  assert.equal(status, 422, text);
  assert.match(text, new RegExp(`"field":"${field.replaceAll(".", "\\.")}"`), text);
  assert.doesNotMatch(text, /alice/);
}

const http = (label) => ({ kind: "http", port: "80", label });
const tls = (label) => ({ kind: "tcp", port: "80", tls: true, label });
const srv = (name) => ({ kind: "srv", port: "80", name });

/** Names and the edge. */
const NAMES = [
  {
    title: "an SRV label of 64 octets is refused",
    async attack(world) {
      for (const label of [`_${"a".repeat(63)}`, "a".repeat(64)]) {
        await refusedAt(world, "services.0.name", "m1", [srv(`${label}._tcp`)]);
      }
      await refusedAt(world, "services.0.name", "m1", [srv(Array(60).fill("aa").join("."))]);
    },
  },
  {
    title: "names of infrastructure are refused",
    async attack(world) {
      for (const name of ["_ldap._tcp", "_kerberos._udp", "_LDAP._TCP.dc._msdcs", "wpad"]) {
        await refusedAt(world, "services.0.name", "m1", [srv(name)]);
      }
      for (const name of ["ldap1", "wpad", "localhost"]) await refusedAt(world, "name", name, []);
      for (const label of ["login", "AUTH", "sso"]) await refusedAt(world, "services.0.label", "m1", [http(label)]);
    },
  },
  {
    title: "names of another user are refused for every purpose",
    async attack(world) {
      await refusedAt(world, "name", world.victim.name, []);
      for (const name of [world.victim.name, `_http._tcp.${world.victim.name}`, world.victim.record]) {
        await refusedAt(world, "services.0.name", "m1", [srv(name)]);
      }
      for (const service of [http(world.victim.label), tls(world.victim.label)]) {
        await refusedAt(world, "services.0.label", "m1", [{ ...service, domain: world.domain }]);
      }
    },
  },
  {
    title: "text that would end a line of a configuration file is refused",
    async attack(world) {
      const bad = ["a\nserver=/x/1.2.3.4", "a;}", "a b", "$(id)", "../a", "*", "a\u0000b", "ä"];
      for (const text of bad) {
        await refusedAt(world, "name", text, []);
        await refusedAt(world, "services.0.label", "m1", [http(text)]);
        await refusedAt(world, "services.0.name", "m1", [srv(text)]);
      }
    },
  },
  {
    title: "ports of the edge host, of other users and outside the range are refused",
    async attack(world) {
      for (const external of ["22", "53", "443", "0", "65536", "-1", world.victim.port]) {
        await refusedAt(world, "services.0.external", "m1", [{ kind: "tcp", port: "80", external }]);
      }
    },
  },
];

/** Permissions. */
const PERMISSIONS = [
  {
    title: "objects of another user do not exist",
    async attack({ mallory, victim, site: _ }) {
      const { id, job, siteName: site, name } = victim;
      const form = { source: "x" };
      for (const [path, body] of [
        ["containers/get", { site, name, with_jobs: true }],
        ["containers/edit", { id, version: 1, form, restart: false }],
        ["containers/power", { id, power: "stop" }],
        ["containers/delete", { id, confirm: name }],
        ["jobs/get", { id: job }],
        ["jobs/log", { id: job, after: 0 }],
        ["jobs/has-ended", { id: job }],
        ["jobs/cancel", { id: job }],
        ["jobs/retry", { id: job, confirm: name }],
      ]) {
        const { status, text } = await mallory.call(path, body);
        // An edit is parsed before its container is looked up.
        assert.ok(status === 404 || (path === "containers/edit" && status === 422), `${path}: ${status} ${text}`);
      }
      for (const path of [`/sites/${site}/containers/${name}`, `/jobs/${job}`]) {
        assert.equal((await mallory.send("GET", path)).status, 404, path);
      }
    },
  },
  {
    title: "the isolation of the site cannot be seen or changed",
    async attack({ mallory, administrator, victim, site }) {
      const id = Number(site);
      for (const path of ["sites/get-isolation", "sites/set-filters"]) {
        assert.equal((await mallory.call(path, { id })).status, 403, path);
      }
      const { spec } = (await administrator.get("sites/list", {})).find((row) => row.id === id);
      const range = ({ first, last }) => `${first}-${last}`;
      const text = (value) =>
        Array.isArray(value) ? value.join(", ") : typeof value === "object" ? range(value) : String(value);
      const field = ([name, value]) => [name, value === null ? "" : text(value)];
      const form = Object.fromEntries(Object.entries(spec).map(field));
      for (const port_access of ["network", "edge"]) {
        // The form is valid, or its refusal would come before that of the user.
        const { status, text } = await mallory.call("sites/update", { id, form: { ...form, port_access } });
        assert.equal(status, 403, text);
      }
      const { status } = await mallory.call("containers/set-filters", { id: victim.id, on: false });
      assert.equal(status, 404);
      const after = (await administrator.get("sites/list", {})).find((row) => row.id === id);
      assert.equal(after.spec.port_access, spec.port_access);
      // All containers of the lab are created by Holdfast, and the simulated cluster's firewall is on.
      const { firewall, counts } = await administrator.get("sites/get-isolation", { id });
      assert.equal(firewall.kind, "on");
      assert.ok(counts.containers > 0 && counts.filtered === counts.containers, JSON.stringify(counts));
    },
  },
  {
    title: "lists contain no objects of another user",
    async attack({ mallory, victim }) {
      const containers = { query: { site: null, status: null, q: "", sort: { key: "name", down: false }, page: 1 } };
      const jobs = { query: { state: null, container: null, q: "", page: 1 } };
      for (const [path, body] of [["containers/list", containers], ["jobs/list", jobs], ["jobs/list-active", {}]]) {
        const list = JSON.stringify(await mallory.get(path, body));
        assert.ok(!list.includes(`"${victim.name}"`), `${path}: ${list}`);
      }
    },
  },
  {
    title: "the event stream carries no changes of another user",
    async attack({ mallory, alice, victim }) {
      const streams = await Promise.all([mallory, alice].map((client) => client.events(8_000)));
      assert.deepEqual(streams.map((stream) => stream.status), [200, 200]);
      const id = await alice.get("containers/power", { id: victim.id, power: "restart" });
      while (!(await alice.get("jobs/has-ended", { id }))) await new Promise((done) => setTimeout(done, 200));
      const [seen, own] = await Promise.all(streams.map((stream) => stream.text()));
      const { row } = await alice.get("jobs/get", { id });
      assert.deepEqual([row.kind, row.state], ["restart", "done"]);
      assert.ok(own.includes(`{"topic":"job","id":${id}}`), own);
      assert.ok(own.includes(`{"topic":"container","id":${victim.id}}`), own);
      assert.match(seen, /event: hello/);
      assert.doesNotMatch(seen, /container|job/);
    },
  },
  {
    title: "functions of operators and administrators are refused",
    async attack({ mallory }) {
      for (const [path, body] of [
        ["hosts/list", {}],
        ["hosts/create", { form: { site: "1", name: "m" } }],
        ["hosts/renew-join-token", { id: 1 }],
        ["domains/list", {}],
        ["certificates/find", { query: { q: "", state: "", page: 1 } }],
        ["clusters/list", {}],
        ["clusters/fetch-certificate", { url: "https://127.0.0.1:8006" }],
        ["sites/list", {}],
        ["authorities/list", {}],
        ["providers/test", { id: 1, domain: "example.org" }],
        ["users/list", { q: "", state: "", page: 1 }],
        ["users/delete", { id: 1, confirm: "admin" }],
      ]) {
        assert.equal((await mallory.call(path, body)).status, 403, path);
      }
    },
  },
  {
    title: "requests from another origin are refused",
    async attack({ mallory, victim }) {
      for (const origin of ["https://evil.example.org", "null", `https://${victim.name}.localhost`]) {
        const headers = { origin, "content-type": "application/json" };
        const { status } = await mallory.send("POST", "/api/ui/jobs/list-active", "{}", headers);
        assert.equal(status, 403, origin);
      }
    },
  },
];

/** Accounts and limits. */
const LIMITS = [
  {
    title: "guesses lock out neither the victim's browser nor reveal which accounts exist",
    async attack({ mallory, alice, passwords }) {
      const guesser = mallory.copy();
      guesser.forget();
      const statuses = [];
      for (let guess = 0; guess < 8; guess++) statuses.push(await guesser.signIn("alice", `guess ${guess} of many`));
      assert.ok(statuses.includes(429), String(statuses));
      assert.ok(!statuses.includes(303), String(statuses));
      const known = alice.copy();
      known.forgetSession();
      assert.equal(await known.signIn("alice", passwords.alice), 303, "the known browser signs in");
    },
  },
  {
    title: "the own password changes only with the current one, and other sessions end",
    async attack({ mallory, passwords }) {
      const stolen = mallory.copy();
      const change = (current, next) => mallory.call("account/change-password", { form: { current, new: next } });
      assert.equal((await change("wrong horse battery", "another horse battery")).status, 422);
      const next = `${passwords.mallory}!`;
      const { status, text } = await change(passwords.mallory, next);
      assert.equal(status, 200, text);
      passwords.mallory = next;
      assert.equal((await stolen.call("account/get")).status, 401, "a copy of the cookie is invalid");
      assert.equal((await mallory.call("account/get")).status, 200);
    },
  },
  {
    title: "large and malformed bodies are refused",
    async attack({ mallory }) {
      const json = { "content-type": "application/json" };
      // The server refuses a declared length before it reads the body.
      for (const path of ["/api/ui/containers/create", "/sign-in", "/api/ui/unknown", "/agent/v1/join", "/"]) {
        const { status } = await mallory.send("POST", path, undefined, { ...json, "content-length": 9 << 20 });
        assert.equal(status, 413, path);
      }
      // A body without a length is read up to the limit. The answer is lost if the rest arrives after it.
      for (const path of ["/api/ui/containers/create", "/agent/v1/join"]) {
        const { status, sent } = await mallory.sendEndless(path, json, 64 << 20);
        assert.ok(status === 413 || (status === "closed" && sent > BODY_LIMIT), `${path}: ${status} after ${sent}`);
        assert.ok(sent < 64 << 20, `${path}: ${sent} bytes were sent`);
      }
      assert.equal((await mallory.call("account/get")).status, 200, "the server responds");
      for (const body of ["", "{", "[]", "null", '{"form":7}', `{"form":${"[".repeat(5000)}`]) {
        const { status, text } = await mallory.send("POST", "/api/ui/containers/create", body, json);
        assert.ok(status >= 400 && status < 500, `${body.slice(0, 20)}: ${status} ${text}`);
      }
    },
  },
  {
    title: "idle connections keep no one out",
    async attack({ mallory, alice }) {
      const open = await Promise.allSettled(Array.from({ length: 400 }, () => mallory.openConnection()));
      try {
        assert.equal((await alice.call("account/get")).status, 200);
      } finally {
        for (const { value } of open) value?.destroy();
      }
    },
  },
];

export const ATTACKS = [...NAMES, ...PERMISSIONS, ...LIMITS];
