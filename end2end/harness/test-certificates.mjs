// Creates certificates with openssl, signed by a test CA, with the names and validity that a test
// needs. It must not depend on pages.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DAY_MS = 86_400_000;

const CONFIG = `
[req]
distinguished_name = name
prompt = no
x509_extensions = authority
[name]
CN = Test CA
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = test_ca
[test_ca]
database = index.txt
new_certs_dir = .
certificate = authority.pem
private_key = authority.key
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
`;

/** Options for a new ECDSA P-256 key. */
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/**
 * Creates a certificate for these names, valid from `since` days ago until `days` from now. Returns the
 * chain including the CA certificate, the key and the SHA-256 fingerprint.
 */
export function createCertificate(names, { since = 1, days = 89 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-certificate-"));
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const read = (file) => readFileSync(join(folder, file), "utf8");
  try {
    writeFileSync(join(folder, "openssl.cnf"), CONFIG);
    writeFileSync(join(folder, "index.txt"), "");
    const alternatives = names.map((name) => `DNS:${name}`).join(",");
    const usage = "extendedKeyUsage = serverAuth\nkeyUsage = critical, digitalSignature\n";
    const kind = "basicConstraints = critical, CA:FALSE\nauthorityKeyIdentifier = keyid\n";
    writeFileSync(join(folder, "leaf.cnf"), `subjectAltName = ${alternatives}\n${usage}${kind}`);
    openssl("req", "-config", "openssl.cnf", "-x509", ...KEY, "-keyout", "authority.key", "-out", "authority.pem", "-days", "400");
    openssl("req", "-config", "openssl.cnf", "-new", ...KEY, "-keyout", "key.pem", "-out", "request.pem", "-subj", `/CN=${names[0]}`);
    const dates = ["-startdate", opensslTime(-since), "-enddate", opensslTime(days)];
    openssl("ca", "-batch", "-notext", "-config", "openssl.cnf", ...dates, "-extfile", "leaf.cnf", "-in", "request.pem", "-out", "leaf.pem");
    const print = openssl("x509", "-in", "leaf.pem", "-noout", "-fingerprint", "-sha256").toString();
    const chain = `${read("leaf.pem")}${read("authority.pem")}`;
    return { chain, key: read("key.pem"), fingerprint: print.trim().split("=")[1] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The time in this many days in openssl's format: `20261126073000Z`. */
function opensslTime(days) {
  const time = new Date(Date.now() + days * DAY_MS).toISOString();
  return `${time.slice(0, 19).replace(/[-:T]/g, "")}Z`;
}

/** The base64 lines of a PEM file without header and footer. */
export function pemLines(pem) {
  return pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
}
