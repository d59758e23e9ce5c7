// The lab as seen by programs within it: URLs of the manager and the simulated cluster, and functions to
// run commands on its hosts. It must not depend on pages.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Reads a variable that `holdfast-lab` sets. */
function variable(name) {
  const value = process.env[`LAB_${name}`];
  if (!value) throw new Error(`LAB_${name} is not set: run this in the lab with \`cargo xtask\`.`);
  return value;
}

export const lab = {
  url: variable("URL"),
  administrator: { name: variable("NAME"), password: variable("PASSWORD") },
  simulator: { url: variable("SIMULATOR"), password: variable("SIMULATOR_PASSWORD"), fingerprint: variable("FINGERPRINT") },
  control: variable("SIMULATOR_CONTROL"),
  authorities: {
    byHttp: { directory: variable("AUTHORITY_BY_HTTP"), control: variable("AUTHORITY_BY_HTTP_CONTROL") },
    byDns: { directory: variable("AUTHORITY_BY_DNS"), control: variable("AUTHORITY_BY_DNS_CONTROL") },
    /** Root certificates of the CAs' own HTTPS servers. */
    roots: readFileSync(variable("AUTHORITY_ROOTS"), "utf8"),
  },
  nameServer: {
    address: variable("NAME_SERVER"),
    keyName: variable("NAME_SERVER_KEY_NAME"),
    key: variable("NAME_SERVER_KEY"),
  },
  agent: variable("AGENT"),
};

const pidFile = (host) => join(variable("HOSTS"), host);

/** Returns whether a host with this name runs. */
export function isRunning(host) {
  return existsSync(pidFile(host));
}

/** Runs a program and returns its exit code, stdout and stderr. */
function run(program, args, input) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.once("error", failed);
    child.once("close", (code) => done({ code, stdout, stderr }));
    if (input !== undefined) child.stdin.end(input);
  });
}

/** Runs a shell command on a host and returns its result, also on failure. */
export async function tryOn(host, line, input) {
  const pid = readFileSync(pidFile(host), "utf8").trim();
  return run("nsenter", ["--all", "--target", pid, "sh", "-c", line], input);
}

/** Runs a shell command on a host and returns its output. Fails if the command fails. */
export async function runOn(host, line, input) {
  const { code, stdout, stderr } = await tryOn(host, line, input);
  if (code !== 0) throw new Error(`${host}: \`${line}\` ended with ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** Runs a shell command in the network namespace of the manager. */
export async function runInLab(line) {
  return outputOf(line, await run("nsenter", ["--net", "--target", "1", "sh", "-c", line]));
}

/** Runs a shell command in the network namespace of the browser and this program: see `crates/lab/src/loopback.rs`. */
export async function runInBrowserNamespace(line) {
  return outputOf(line, await run("sh", ["-c", line]));
}

function outputOf(line, { code, stdout, stderr }) {
  if (code !== 0) throw new Error(`\`${line}\` ended with ${code}: ${stderr}`);
  return stdout.trim();
}
