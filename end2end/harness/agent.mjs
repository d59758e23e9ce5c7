// A fake agent that uses the agent API: it joins, polls, and reports results and live files. It runs
// neither nginx nor dnsmasq. It must not depend on pages.

/** The layout of a Debian 12 host, as the agent reports it. */
const LAYOUT = {
  live: "/var/lib/holdfast-agent/live",
  state: "/var/lib/holdfast-agent/state",
  run: "/run",
  log: "/var/log/nginx",
  tls: "/var/lib/holdfast-agent/tls",
  interface: "eth1",
  ipv6: true,
  resolvers: [],
  nginx_user: "www-data",
  nginx: { version: [1, 22, 1], http3: false, stream_module: null },
};

export class Agent {
  /** Joins with a join token as shown on the page. */
  static async join(token, address) {
    const [manager, secret] = token.trim().split("#");
    const agent = new Agent(manager, address);
    const response = await agent.#post("join", { token: secret, ...agent.#host });
    if (!response.ok) throw new Error(`Joining failed with status ${response.status}: ${await response.text()}`);
    agent.#key = (await response.json()).key;
    return agent;
  }

  /** The last received configuration. */
  config;
  #manager;
  #key;
  #host;
  #stop = new AbortController();
  #loop;

  constructor(manager, address) {
    this.#manager = manager;
    this.#host = { host: { version: "0.1.0", address }, layout: LAYOUT };
  }

  /** Polls once and returns whether a new configuration was received. */
  async poll() {
    const response = await this.#post("poll", { ...this.#host, generation: this.config?.generation ?? null });
    if (response.status === 204) return false;
    if (!response.ok) throw new Error(`Polling failed with status ${response.status}.`);
    this.config = await response.json();
    return true;
  }

  /** Reports the outcome of the last configuration. `fields` has more fields, such as `failed_probes`.
   * @param {string | { refused: { message: string } }} outcome */
  async report(outcome = "live", quarantined = [], fields = {}) {
    await this.#send("report", { generation: this.config.generation, outcome, quarantined, ...fields });
  }

  /** Reports the complete set of live files. */
  async reportFiles(files) {
    await this.#send("files", { replace: true, files, removed: [] });
  }

  /** Polls in the background and reports each configuration as live until `stop`. */
  run() {
    this.#loop = (async () => {
      while (!this.#stop.signal.aborted) {
        try {
          if (await this.poll()) await this.report();
        } catch (error) {
          if (!this.#stop.signal.aborted) throw error;
        }
      }
    })();
    // `stop` rethrows an error of the loop.
    this.#loop.catch(() => {});
  }

  /** Aborts the pending request and waits for the loop. */
  async stop() {
    this.#stop.abort();
    await this.#loop;
  }

  async #send(endpoint, body) {
    const response = await this.#post(endpoint, body);
    if (!response.ok) throw new Error(`The request ${endpoint} failed with status ${response.status}: ${await response.text()}`);
  }

  #post(endpoint, body) {
    return fetch(`${this.#manager}/agent/v1/${endpoint}`, {
      method: "POST",
      signal: this.#stop.signal,
      headers: {
        "content-type": "application/json",
        ...(this.#key && { authorization: `Bearer ${this.#key}` }),
      },
      body: JSON.stringify(body),
    });
  }
}
