// An edge host's agent as the server sees it: it joins, asks, reports and tells what is live, over
// the same addresses. It renders and runs nothing. It must not know of pages.

const HOST = {
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
  /** Joins with a code as the page shows it. */
  static async join(code, address) {
    const [manager, word] = code.trim().split("#");
    const agent = new Agent(manager, address);
    const joined = await agent.#post("join", { word, ...agent.#host });
    if (!joined.ok) throw new Error(`Joining was answered with ${joined.status}: ${await joined.text()}`);
    agent.#key = (await joined.json()).key;
    return agent;
  }

  /** What was last given. */
  given;
  #manager;
  #key;
  #host;
  #stop = new AbortController();
  #following;

  constructor(manager, address) {
    this.#manager = manager;
    this.#host = { about: { version: "0.1.0", address }, layout: HOST };
  }

  /** Asks once for what to serve; whether there was something new. */
  async next() {
    const answer = await this.#post("next", { ...this.#host, has: this.given?.generation ?? null });
    if (answer.status === 204) return false;
    if (!answer.ok) throw new Error(`Asking was answered with ${answer.status}.`);
    this.given = await answer.json();
    return true;
  }

  /** Says what became of what was given; `more` is what else there is to say, such as `unserved`. */
  async report(outcome = "live", aside = [], more = {}) {
    await this.#told("report", { generation: this.given.generation, outcome, aside, ...more });
  }

  /** Tells which files are live, and that there are no others. */
  async live(files) {
    await this.#told("live", { begins: true, files, gone: [] });
  }

  /** Asks from now on and reports all of it as live, until it is stopped. */
  follow() {
    this.#following = (async () => {
      while (!this.#stop.signal.aborted) {
        try {
          if (await this.next()) await this.report();
        } catch (error) {
          if (!this.#stop.signal.aborted) throw error;
        }
      }
    })();
    // Whoever stops it hears of what went wrong.
    this.#following.catch(() => {});
  }

  /** Lets go of the request that it holds. */
  async stop() {
    this.#stop.abort();
    await this.#following;
  }

  async #told(what, body) {
    const answer = await this.#post(what, body);
    if (!answer.ok) throw new Error(`The ${what} was answered with ${answer.status}: ${await answer.text()}`);
  }

  #post(what, body) {
    return fetch(`${this.#manager}/agent/v1/${what}`, {
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
