// A server for tests: runs `holdfastd` in an empty directory on a free port with the demo's simulated
// cluster. It must not depend on pages.

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
export const BINARY = resolve(process.env.E2E_BINARY ?? join(REPOSITORY, "target/dist/holdfastd"));
const START_MS = 60_000;
const STOP_MS = 15_000;
const DEMO_MS = 120_000;

/** Patterns for the server's console output. */
const OUTPUT = {
  url: /^Holdfast is at (\S+?)\/?$/m,
  name: /^Administrator: (\S+)$/m,
  password: /^Password: (\S+)$/m,
};

/** The environment of this process without variables that configure the server. */
export function environment() {
  const variables = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("HOLDFAST_") && name !== "DATABASE_URL",
  );
  return Object.fromEntries(variables);
}

export class Server {
  /**
   * Starts a server and waits until it is ready. `speed` is the factor by which the simulated cluster is
   * faster than a real one, 1 for tests that watch progress. With `demo: "full"` the complete demo is
   * created while the server runs. With `false` there is no simulated cluster.
   */
  static async start({ demo = "small", speed = 1 } = {}) {
    if (!existsSync(BINARY)) {
      throw new Error(`There is no ${BINARY}. Run \`cargo xtask build\` first, or set E2E_BINARY.`);
    }
    const folder = await mkdtemp(join(tmpdir(), "holdfast-end2end-"));
    // The small demo is created before the server is ready.
    const demoArgs = { small: ["--demo", "small"], full: ["--demo", "full"], false: [] }[demo];
    const scenario = [...demoArgs, "--demo-speed", String(speed)];
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
  #start = performance.now();
  #output = "";
  /** The server's log. */
  log = "";
  /** Milliseconds from the start until the server was ready. */
  startMs;

  constructor(folder, args) {
    this.#folder = folder;
    // Port 0 selects a free port, which the server prints.
    this.#process = spawn(BINARY, ["serve", "--listen", "127.0.0.1:0", "--data", this.data, ...args], {
      cwd: folder,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout.setEncoding("utf8").on("data", (text) => (this.#output += text));
    this.#process.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    this.#ended = new Promise((done) => this.#process.once("close", done));
    this.#process.once("error", (error) => (this.log += `${error}\n`));
    // Kills the server whenever the test process exits.
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

  /** Waits until the demo has been created. */
  async waitForDemo() {
    const deadline = Date.now() + DEMO_MS;
    while (!this.log.includes("demo complete")) {
      if (Date.now() > deadline) throw new Error(`The demo is not complete.\n${this.log}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** The public URL without a trailing slash. */
  get url() {
    return this.#printed("url");
  }

  /** The URL at which the demo publishes a container. */
  containerUrl(name) {
    return this.url.replace("//localhost:", `//${name}.localhost:`);
  }

  /** The name and password of the first administrator, printed at the first start. */
  get administrator() {
    return { name: this.#printed("name"), password: this.#printed("password") };
  }

  #printed(field) {
    const value = OUTPUT[field].exec(this.#output)?.[1];
    if (!value) throw new Error(`The server has not printed its ${field}: ${this.#output}`);
    return value;
  }

  async #ready() {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (this.#process.exitCode !== null) throw new Error(`The process exited with ${this.#process.exitCode}.`);
      if (OUTPUT.password.test(this.#output)) {
        const response = await fetch(`${this.url}/readyz`).catch(() => undefined);
        if (response?.ok) {
          this.startMs = performance.now() - this.#start;
          return;
        }
      }
      await new Promise((done) => setTimeout(done, 5));
    }
    throw new Error("The server is not ready.");
  }

  /** Creates an account with the CLI while the server runs and returns its password. */
  async addUser(name, role = "member") {
    const args = ["user", "add", name, "--email", `${name}@example.org`, "--role", role];
    const output = await this.#command([...args, "--data", this.data]);
    const password = OUTPUT.password.exec(output)?.[1];
    if (!password) throw new Error(`\`holdfastd user add\` printed no password: ${output}`);
    return { name, password };
  }

  async #command(args) {
    const command = spawn(BINARY, args, { cwd: this.#folder, env: environment() });
    let output = "";
    let log = "";
    command.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    command.stderr.setEncoding("utf8").on("data", (text) => (log += text));
    const code = await new Promise((done) => command.once("close", done));
    if (code !== 0) throw new Error(`\`holdfastd ${args.join(" ")}\` ended with ${code}: ${log}`);
    return output;
  }

  /** Submits the sign-in form and returns the session cookies as Playwright storage state. */
  async signIn({ name, password }) {
    const response = await fetch(`${this.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ name, password, next: "/" }),
    });
    const lines = response.headers.getSetCookie().map((line) => line.split(";", 1)[0]);
    if (response.status !== 303 || lines.length === 0) {
      throw new Error(`Sign-in as ${name} failed with status ${response.status}.`);
    }
    const cookies = lines.map((pair) => ({
      name: pair.slice(0, pair.indexOf("=")),
      value: pair.slice(pair.indexOf("=") + 1),
      domain: new URL(this.url).hostname,
      path: "/",
      expires: -1,
      httpOnly: true,
      secure: false,
      sameSite: /** @type {const} */ ("Lax"),
    }));
    return { cookies, origins: [] };
  }

  /** Stops the server, kills it after a timeout, and deletes its directory. */
  async stop() {
    this.#process.kill("SIGTERM");
    const killTimer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(killTimer);
    process.removeListener("exit", this.#atExit);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
