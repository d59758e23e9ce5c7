// A Proxmox VE of the tests' own: the program's simulator with TLS, and the address at which what
// happens to a cluster is made to happen. It must not know of pages.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BINARY, environment } from "./server.mjs";

const START_MS = 30_000;

const SAID = {
  url: /^Simulated Proxmox VE at (\S+)$/m,
  fingerprint: /^Fingerprint: (\S+)$/m,
  control: /^Control: (\S+)$/m,
};

export class Simulator {
  /** Starts one with two nodes and a few containers that others made. */
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
  #said = "";
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
    this.#process.stdout.setEncoding("utf8").on("data", (text) => (this.#said += text));
    this.#process.stderr.setEncoding("utf8").on("data", (text) => (this.#log += text));
    this.#ended = new Promise((done) => this.#process.once("close", done));
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (this.#process.exitCode !== null) throw new Error(`It ended with ${this.#process.exitCode}.`);
      if (Object.values(SAID).every((line) => line.test(this.#said))) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error("It is not ready.");
  }

  get url() {
    return SAID.url.exec(this.#said)[1];
  }

  /** The fingerprint of its first certificate. */
  get fingerprint() {
    return SAID.fingerprint.exec(this.#said)[1];
  }

  /** Has something happen to the cluster: `conditions`, `changes` or `faults` and what. */
  async happen(path, what) {
    const answer = await fetch(`${SAID.control.exec(this.#said)[1]}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(what),
    });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
    return answer.json().catch(() => undefined);
  }

  /** What there is on the cluster, such as `containers`. */
  async look(path) {
    const answer = await fetch(`${SAID.control.exec(this.#said)[1]}/${path}`);
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
    return answer.json();
  }

  /** Ends it and takes its folder away. */
  async stop() {
    this.#process?.kill("SIGKILL");
    await this.#ended;
    process.removeListener("exit", this.#atExit);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
