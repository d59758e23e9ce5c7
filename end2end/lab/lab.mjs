// The lab as those see it who run within: where the manager and the simulated cluster are, and a
// way to do something on one of its hosts. It must not know of pages.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What `holdfast-lab` tells whoever uses it. */
function told(name) {
  const value = process.env[`LAB_${name}`];
  if (!value) throw new Error(`LAB_${name} is not set: this runs within the lab, by \`cargo xtask\`.`);
  return value;
}

export const lab = {
  url: told("URL"),
  administrator: { name: told("NAME"), password: told("PASSWORD") },
  simulator: { url: told("SIMULATOR"), password: told("SIMULATOR_PASSWORD"), fingerprint: told("FINGERPRINT") },
  control: told("SIMULATOR_CONTROL"),
  authorities: {
    byHttp: { directory: told("AUTHORITY_BY_HTTP"), control: told("AUTHORITY_BY_HTTP_CONTROL") },
    byDns: { directory: told("AUTHORITY_BY_DNS"), control: told("AUTHORITY_BY_DNS_CONTROL") },
    /** By what their own servers are known. */
    roots: readFileSync(told("AUTHORITY_ROOTS"), "utf8"),
  },
  nameServer: {
    address: told("NAME_SERVER"),
    keyName: told("NAME_SERVER_KEY_NAME"),
    key: told("NAME_SERVER_KEY"),
  },
  agent: told("AGENT"),
};

const pidFile = (host) => join(told("HOSTS"), host);

/** Whether a host of this name runs. */
export function isThere(host) {
  return existsSync(pidFile(host));
}

/** Runs a program and gives its status and what it said. */
function run(program, args, input) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    let [said, log] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
    child.once("error", failed);
    child.once("close", (code) => done({ code, said, log }));
    if (input !== undefined) child.stdin.end(input);
  });
}

/** Runs a line of shell on a host, whatever comes of it. */
export async function attempt(host, line, input) {
  const pid = readFileSync(pidFile(host), "utf8").trim();
  return run("nsenter", ["--all", "--target", pid, "sh", "-c", line], input);
}

/** Runs a line of shell on a host and gives what it said; it must end well. */
export async function on(host, line, input) {
  const { code, said, log } = await attempt(host, line, input);
  if (code !== 0) throw new Error(`${host}: \`${line}\` ended with ${code}: ${said}${log}`);
  return said.trim();
}

/** Runs a line of shell in the lab itself, beside its hosts: in the network of the manager. */
export async function here(line) {
  return successful(line, await run("nsenter", ["--net", "--target", "1", "sh", "-c", line]));
}

/** Runs a line of shell in the network of the browser and of this program: see `crates/lab/src/loopback.rs`. */
export async function browserHost(line) {
  return successful(line, await run("sh", ["-c", line]));
}

function successful(line, { code, said, log }) {
  if (code !== 0) throw new Error(`\`${line}\` ended with ${code}: ${log}`);
  return said.trim();
}
