// A server of the tests' own: the program in an empty folder on a free port, with the demonstration's
// simulated cluster inside. It must not know of pages.

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
export const BINARY = resolve(process.env.E2E_BINARY ?? join(REPOSITORY, "target/dist/holdfast"));
const START_MS = 60_000;
const STOP_MS = 15_000;
const DEMO_MS = 120_000;

/** What the server prints for the person at the console. */
const SAID = {
  url: /^Holdfast is at (\S+?)\/?$/m,
  name: /^Administrator: (\S+)$/m,
  password: /^Password: (\S+)$/m,
};

/** The variables of this process, without those that would configure the server. */
export function environment() {
  const ours = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("HOLDFAST_") && name !== "DATABASE_URL",
  );
  return Object.fromEntries(ours);
}

export class Server {
  /**
   * Starts a server and waits until it is ready. Its cluster is so many times faster than a real one:
   * 1 for tests that watch progress. With `demo: "full"` it has what people see, which is made while it
   * runs; with `false` no cluster is inside.
   */
  static async start({ demo = "small", speed = 1 } = {}) {
    if (!existsSync(BINARY)) {
      throw new Error(`There is no ${BINARY}. Run \`cargo xtask build\` first, or set E2E_BINARY.`);
    }
    const folder = await mkdtemp(join(tmpdir(), "holdfast-end2end-"));
    // The small demo is there before the first page.
    const named = { small: ["--demo", "small"], full: [], false: ["--demo", "false"] }[demo];
    const scenario = [...named, "--demo-speed", String(speed)];
    const server = new Server(folder, scenario);
    try {
      await server.#ready();
    } catch (cause) {
      await server.stop();
      throw new Error(`The server did not start.\n${server.log}`, { cause });
    }
    return server;
  }

  #folder;
  #process;
  #ended;
  #began = performance.now();
  #said = "";
  /** What it wrote to its log. */
  log = "";
  /** How long it took from its start until it was ready. */
  startMs;

  constructor(folder, args) {
    this.#folder = folder;
    // Port 0 is any free one; which one it is, the server says.
    this.#process = spawn(BINARY, ["serve", "--listen", "127.0.0.1:0", "--data", this.data, ...args], {
      cwd: folder,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout.setEncoding("utf8").on("data", (text) => (this.#said += text));
    this.#process.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    this.#ended = new Promise((done) => this.#process.once("close", done));
    this.#process.once("error", (error) => (this.log += `${error}\n`));
    // However the tests end, no server outlives them.
    this.#atExit = () => {
      this.#process.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    };
    process.once("exit", this.#atExit);
  }

  #atExit;

  get pid() {
    return this.#process.pid;
  }

  get data() {
    return join(this.#folder, "data");
  }

  /** Waits until the demo has all that belongs to it. */
  async demoComplete() {
    const deadline = Date.now() + DEMO_MS;
    while (!this.log.includes("demo complete")) {
      if (Date.now() > deadline) throw new Error(`The demo is not complete.\n${this.log}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** The address that people use, without a slash at its end. */
  get url() {
    return this.#word("url");
  }

  /** The address at which the demonstration publishes a container. */
  link(name) {
    return this.url.replace("//localhost:", `//${name}.localhost:`);
  }

  /** The first administrator's name and password, as printed at the first start. */
  get administrator() {
    return { name: this.#word("name"), password: this.#word("password") };
  }

  #word(what) {
    const word = SAID[what].exec(this.#said)?.[1];
    if (!word) throw new Error(`The server has not printed its ${what}: ${this.#said}`);
    return word;
  }

  async #ready() {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (this.#process.exitCode !== null) throw new Error(`It ended with ${this.#process.exitCode}.`);
      if (SAID.password.test(this.#said)) {
        const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
        if (answer?.ok) {
          this.startMs = performance.now() - this.#began;
          return;
        }
      }
      await new Promise((done) => setTimeout(done, 5));
    }
    throw new Error("It is not ready.");
  }

  /** Makes an account beside the running server and gives its password. */
  async addUser(name, role = "member") {
    const args = ["user", "add", name, "--mail", `${name}@example.org`, "--role", role];
    const said = await this.#command([...args, "--data", this.data]);
    const password = SAID.password.exec(said)?.[1];
    if (!password) throw new Error(`\`holdfast user add\` printed no password: ${said}`);
    return { name, password };
  }

  async #command(args) {
    const command = spawn(BINARY, args, { cwd: this.#folder, env: environment() });
    let said = "";
    let log = "";
    command.stdout.setEncoding("utf8").on("data", (text) => (said += text));
    command.stderr.setEncoding("utf8").on("data", (text) => (log += text));
    const code = await new Promise((done) => command.once("close", done));
    if (code !== 0) throw new Error(`\`holdfast ${args.join(" ")}\` ended with ${code}: ${log}`);
    return said;
  }

  /** Signs in as the form does, and gives the cookies of the session as Playwright keeps them. */
  async signIn({ name, password }) {
    const answer = await fetch(`${this.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ name, password, next: "/" }),
    });
    const given = answer.headers.getSetCookie().map((line) => line.split(";", 1)[0]);
    if (answer.status !== 303 || given.length === 0) {
      throw new Error(`Signing in as ${name} was answered with ${answer.status}.`);
    }
    const cookies = given.map((pair) => ({
      name: pair.slice(0, pair.indexOf("=")),
      value: pair.slice(pair.indexOf("=") + 1),
      domain: new URL(this.url).hostname,
      path: "/",
      expires: -1,
      httpOnly: true,
      secure: false,
      sameSite: "Lax",
    }));
    return { cookies, origins: [] };
  }

  /** Ends the server, first in order and then for certain, and takes its folder away. */
  async stop() {
    this.#process.kill("SIGTERM");
    const hard = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(hard);
    process.removeListener("exit", this.#atExit);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
