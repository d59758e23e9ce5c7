// A client of Holdfast without a browser: it sends what no page would send. It must not depend on pages.

import { lookup as resolve } from "node:dns";
import { request as sendRequest } from "node:https";
import { connect } from "node:tls";

/** Names below localhost are addresses of this machine (RFC 6761, section 6.3), also where no DNS says so. */
function lookup(name, options, done) {
  if (name !== "localhost" && !name.endsWith(".localhost")) return resolve(name, options, done);
  return options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
}

export class Client {
  #url;
  #cookies = new Map();

  /** A client without a session. The server's certificate is not verified. */
  constructor(url) {
    this.#url = new URL(url);
  }

  /** Another client with the same cookies. */
  copy() {
    const copy = new Client(this.#url);
    copy.#cookies = new Map(this.#cookies);
    return copy;
  }

  /** Removes all cookies, as a browser that the account does not know. */
  forget() {
    this.#cookies.clear();
  }

  /** Removes the cookie of the session and keeps that of the known browser. */
  forgetSession() {
    for (const name of this.#cookies.keys()) if (name.includes("session")) this.#cookies.delete(name);
  }

  /** Sends a request and returns its status, headers and text. */
  send(method, path, body, headers = {}) {
    return new Promise((done, failed) => {
      const request = this.#request(method, path, headers, (response) => {
        this.#store(response.headers["set-cookie"] ?? []);
        let text = "";
        response.setEncoding("utf8").on("data", (part) => (text += part));
        response.once("end", () => done({ status: response.statusCode, headers: response.headers, text }));
        response.on("error", failed);
      });
      request.once("timeout", () => request.destroy(new Error(`${method} ${path}: no response`)));
      // A server that refuses a request before its end closes the connection while the rest is sent.
      request.once("socket", (socket) => socket.on("error", failed));
      request.on("error", failed);
      request.end(body);
    });
  }

  /**
   * Sends a body of unknown length, at most `most` bytes. Returns the status, or "closed", and how many bytes were
   * sent until then.
   */
  sendEndless(path, headers, most) {
    const part = "x".repeat(64 << 10);
    return new Promise((done) => {
      let sent = 0;
      let request;
      const end = (status) => {
        done({ status, sent });
        request.destroy();
      };
      const send = () => {
        while (sent < most && !request.destroyed) {
          sent += part.length;
          if (!request.write(part)) return;
        }
        request.end();
      };
      request = this.#request("POST", path, headers, (response) => end(response.statusCode));
      request.on("drain", send).on("error", () => end("closed")).on("timeout", () => end("no response"));
      send();
    });
  }

  #request(method, path, headers, respond) {
    const url = new URL(path, this.#url);
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const options = {
      method,
      lookup,
      // Each request has its own connection.
      agent: false,
      rejectUnauthorized: false,
      timeout: 40_000,
      headers: { origin: this.#url.origin, ...(cookie && { cookie }), ...headers },
    };
    return sendRequest(url, options, respond);
  }

  #store(cookies) {
    for (const cookie of cookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value) this.#cookies.set(name, value);
      else this.#cookies.delete(name);
    }
  }

  /** Calls a server function. */
  call(name, body = {}) {
    const json = { "content-type": "application/json", accept: "application/json" };
    return this.send("POST", `/api/ui/${name}`, JSON.stringify(body), json);
  }

  /** Calls a server function that must succeed, and returns its result. */
  async get(name, body) {
    const { status, text } = await this.call(name, body);
    if (status !== 200) throw new Error(`${name}: ${status} ${text}`);
    return JSON.parse(text);
  }

  /** Signs in. Returns the status: 303 for success. */
  async signIn(name, password) {
    const form = new URLSearchParams({ name, password, next: "/" });
    const type = { "content-type": "application/x-www-form-urlencoded" };
    return (await this.send("POST", "/sign-in", form.toString(), type)).status;
  }

  /** Opens the event stream. Returns its status, and its text once it has been read for some time. */
  events(forMs) {
    return new Promise((done, failed) => {
      const request = this.#request("GET", "/events", { accept: "text/event-stream" }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => (text += part));
        const read = new Promise((ended) => {
          response.on("error", () => ended(text));
          setTimeout(() => {
            ended(text);
            request.destroy();
          }, forMs);
        });
        done({ status: response.statusCode, text: () => read });
      });
      request.on("error", failed);
      request.end();
    });
  }

  /** Opens a TLS connection on which nothing is sent. */
  openConnection() {
    const { hostname, port } = this.#url;
    return new Promise((done, failed) => {
      const socket = connect({ host: hostname, port, lookup, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
      socket.once("secureConnect", () => done(socket));
      socket.once("error", failed);
    });
  }
}
