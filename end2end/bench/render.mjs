// The reference implementation for `cargo xtask bench render`: EJS renders the files of services and
// ports. Reads the site and the host's layout as one line, then commands: `again` renders all files and
// prints the milliseconds, `all` prints each file's path and text.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import ejs from "ejs";

const template = (name) =>
  ejs.compile(readFileSync(new URL(`render/${name}.ejs`, import.meta.url), "utf8"), { escape: String });
const service = template("service");
const stream = template("stream");

const HSTS = { names: "max-age=31536000", below: "max-age=63072000; includeSubDomains" };

/** The path of a certificate's files without the extensions `.crt` and `.key`. */
const fileName = (layout, fingerprint) => `${layout.tls}/${fingerprint.replaceAll(":", "").toLowerCase()}`;

/** The certificate of a port, or undefined without TLS termination. */
function streamCertificate(layout, { tls, transport }) {
  if (tls === null || transport === "udp") return undefined;
  return tls.certificate === null ? `${layout.tls}/site` : fileName(layout, tls.certificate);
}

function render({ site, layout }) {
  const files = [];
  for (const domain of site.domains) {
    const hsts = HSTS[domain.hsts];
    for (const each of domain.services) {
      const host = each.label === null ? domain.name : `${each.label}.${domain.name}`;
      const text = service({
        host,
        hsts,
        sign_in: domain.sign_in,
        service: each,
        signInHost: signInHost(domain),
        certificate: each.certificate && fileName(layout, each.certificate),
        scheme: each.options.backend === "http" ? "http" : "https",
      });
      files.push([`nginx/services/${host}.conf`, text]);
    }
  }
  for (const each of site.streams) {
    const udp = each.transport === "udp";
    const text = stream({ service: each, udp, certificate: streamCertificate(layout, each) });
    files.push([`nginx/streams/${udp ? "udp" : "tcp"}-${each.external}.conf`, text]);
  }
  return files;
}

function signInHost(domain) {
  return domain.sign_in && new URL(domain.sign_in).hostname;
}

let input;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "again") {
    const start = performance.now();
    render(input);
    console.log(performance.now() - start);
  } else if (line === "all") {
    console.log(JSON.stringify(render(input).sort(([a], [b]) => (a < b ? -1 : 1))));
  } else {
    input = JSON.parse(line);
  }
}
