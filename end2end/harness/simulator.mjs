// A simulated Proxmox VE cluster with TLS, and its control API for changes outside Holdfast. It must not
// depend on pages.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BINARY, environment } from "./server.mjs";

const START_MS = 30_000;

const OUTPUT = {
  url: /^Simulated Proxmox VE at (\S+)$/m,
  fingerprint: /^Fingerprint: (\S+)$/m,
  control: /^Control: (\S+)$/m,
};

export class Simulator {
  /** Starts a cluster with two nodes and a few unmanaged containers. */
  static async start() {
    const simulator = new Simulator(await mkdtemp(join(tmpdir(), "holdfast-simulator-")));
    try {
      await simulator.#ready();
    } catch (cause) {
      await simulator.stop();
      throw new Error(`The simulator did not start.\n${simulator.#log}`, { cause });
    }
    return simulator;
  }

  password = "a password of root";
  #folder;
  #process;
  #ended;
  #output = "";
  #log = "";
  #atExit;

  constructor(folder) {
    this.#folder = folder;
    this.#atExit = () => {
      this.#process?.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    };
    process.once("exit", this.#atExit);
  }

  async #ready() {
    const file = join(this.#folder, "root-password");
    await writeFile(file, `${this.password}\n`);
    const args = ["proxmox-sim", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"];
    this.#process = spawn(BINARY, [...args, "--root-password-file", file], {
      cwd: this.#folder,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout.setEncoding("utf8").on("data", (text) => (this.#output += text));
    this.#process.stderr.setEncoding("utf8").on("data", (text) => (this.#log += text));
    this.#ended = new Promise((done) => this.#process.once("close", done));
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (this.#process.exitCode !== null) throw new Error(`The process exited with ${this.#process.exitCode}.`);
      if (Object.values(OUTPUT).every((line) => line.test(this.#output))) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error("The simulator is not ready.");
  }

  get url() {
    return OUTPUT.url.exec(this.#output)[1];
  }

  /** The fingerprint of the initial certificate. */
  get fingerprint() {
    return OUTPUT.fingerprint.exec(this.#output)[1];
  }

  /** Posts to the control API: `conditions`, `changes` or `faults`. */
  async post(path, body) {
    const response = await fetch(`${OUTPUT.control.exec(this.#output)[1]}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} failed with status ${response.status}: ${await response.text()}`);
    return response.json().catch(() => undefined);
  }

  /** Reads the state of the cluster, such as `containers`, from the control API. */
  async get(path) {
    const response = await fetch(`${OUTPUT.control.exec(this.#output)[1]}/${path}`);
    if (!response.ok) throw new Error(`${path} failed with status ${response.status}`);
    return response.json();
  }

  /** Kills the process and deletes its directory. */
  async stop() {
    this.#process?.kill("SIGKILL");
    await this.#ended;
    process.removeListener("exit", this.#atExit);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
