// The peer of `cargo xtask bench render`: EJS makes the files of services and ports. It reads the
// site as one line, then `again` (makes all, says the milliseconds) or `all` (says the files).

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import ejs from "ejs";

const template = (name) =>
  ejs.compile(readFileSync(new URL(`render/${name}.ejs`, import.meta.url), "utf8"), { escape: String });
const service = template("service");
const stream = template("stream");

const HSTS = { names: "max-age=31536000", below: "max-age=63072000; includeSubDomains" };

function make(site) {
  const files = [];
  for (const domain of site.domains) {
    const hsts = HSTS[domain.hsts];
    for (const each of domain.services) {
      const host = each.label === null ? domain.name : `${each.label}.${domain.name}`;
      const text = service({ host, hsts, sign_in: domain.sign_in, service: each, signInHost: signInHost(domain) });
      files.push([`nginx/services/${host}.conf`, text]);
    }
  }
  for (const each of site.streams) {
    const udp = each.transport === "udp";
    files.push([`nginx/streams/${udp ? "udp" : "tcp"}-${each.external}.conf`, stream({ service: each, udp })]);
  }
  return files;
}

function signInHost(domain) {
  return domain.sign_in && new URL(domain.sign_in).hostname;
}

let site;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "again") {
    const start = performance.now();
    make(site);
    console.log(performance.now() - start);
  } else if (line === "all") {
    const files = make(site).sort(([a], [b]) => (a < b ? -1 : 1));
    console.log(JSON.stringify(files.map(([, text]) => text)));
  } else {
    site = JSON.parse(line);
  }
}
