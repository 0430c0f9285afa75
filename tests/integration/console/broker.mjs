// A real broker with a gateway, as a child process that ends with the test, and the command that speaks to it natively.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const kBin = process.env.PRISMBUS_BIN ?? new URL("../../../build/release/bin", import.meta.url).pathname;
const kSeconds = 20;

// Calls `look` until it gives something that is true, and gives that.
export async function until(look, what, seconds = kSeconds) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Broker {
  // `tls`: over https, with a certificate that nobody signed but its own key.
  // `folder`: where another one has its data, which does not serve them meanwhile.
  constructor({ secured = false, tls = false, folder } = {}) {
    this.folder = folder ?? fs.mkdtempSync(path.join(os.tmpdir(), "prismbus-console-"));
    Object.assign(this, { secured, tls });
    this.children = [];
    process.on("exit", () => this.stop());
  }

  file(name) {
    return path.join(this.folder, name);
  }

  // Starts a program of the project, which dies with this process.
  start(program, args) {
    const log = fs.openSync(this.file(`${program}.log`), "a");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", path.join(kBin, program), ...args], { stdio: ["ignore", log, log] });
    this.children.push(child);
    return child;
  }

  // Called again, behind kill(), it serves the same data at the same address.
  async serve() {
    const gateway = this.address ?? `${this.tls ? "https" : "http"}://127.0.0.1:0`;
    const args = ["--data-dir", this.file("data"), "--ready-file", this.file("ready.json"), "--map-bytes", String(1 << 30)];
    for (const [flag, endpoint] of [["--requests", "tcp://127.0.0.1:0"], ["--changes", "tcp://127.0.0.1:0"], ["--gateway", gateway]]) args.push(flag, endpoint);
    if (this.secured) {
      if (!fs.existsSync(this.file("security"))) execFileSync(path.join(kBin, "prismbus"), ["init", "--secure", this.file("security")]);
      args.push("--security", this.file("security"));
    }
    if (this.tls) {
      assert.equal(this.address, undefined, "a broker over https is started once");
      const [chain, key] = [this.file("chain.pem"), this.file("key.pem")];
      execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=console",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain], { stdio: "ignore" });
      fs.chmodSync(key, 0o600);
      args.push("--gateway-tls-cert", chain, "--gateway-tls-key", key);
    }
    const child = this.start("prismbusd", args);
    await until(() => fs.existsSync(this.file("ready.json")) || child.exitCode !== null, "the ready file");
    if (child.exitCode !== null) throw new Error(`the broker ended:\n${fs.readFileSync(this.file("prismbusd.log"), "utf8")}`);
    this.ready = JSON.parse(fs.readFileSync(this.file("ready.json"), "utf8"));
    this.address = this.ready.gateway[0];
    return this;
  }

  // Ends the broker at once, and waits until it has ended.
  async kill() {
    const child = this.children.find((each) => each.spawnargs.some((arg) => arg.endsWith("/prismbusd")));
    child.kill("SIGKILL");
    await until(() => child.exitCode !== null || child.signalCode !== null, "the end of the broker");
    this.children = this.children.filter((each) => each !== child);
    fs.rmSync(this.file("ready.json"));
  }

  token(sub, { read = [], write = [], admin = [], ttl = "1h" } = {}) {
    const args = ["token", "issue", "--keys", this.file("security/tokens.jwks"), "--sub", sub, "--ttl", ttl];
    for (const [flag, patterns] of [["--read", read], ["--write", write], ["--admin", admin]]) for (const each of patterns) args.push(flag, each);
    return execFileSync(path.join(kBin, "prismbus"), args, { encoding: "utf8" }).trim();
  }
  get admin() {
    return fs.readFileSync(this.file("security/admin.token"), "utf8").trim();
  }

  // One request of HTTP: {status, etag, text}.
  async ask(method, target, body) {
    const headers = this.secured ? { Authorization: `Bearer ${this.admin}` } : {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(this.address + target, { method, headers, body });
    return { status: answer.status, etag: answer.headers.get("ETag"), text: await answer.text() };
  }
  // `text`: the value as JSON, sent as it is.
  async put(ns, key, text, note) {
    const said = note === undefined ? "" : `&note=${encodeURIComponent(note)}`;
    const answer = await this.ask("PUT", `/api/v1/config/${ns}?key=${encodeURIComponent(key)}${said}`, text);
    if (answer.status >= 300) throw new Error(`put ${ns} ${key}: ${answer.text}`);
    return JSON.parse(answer.text);
  }
  // What the broker has, as text; null: nothing.
  async value(ns, key) {
    const answer = await this.ask("GET", `/api/v1/config/${ns}?key=${encodeURIComponent(key)}`);
    if (answer.status === 404) return null;
    return /"value":(.*),"rev":/.exec(answer.text)[1];
  }

  stop() {
    for (const child of this.children) child.kill("SIGKILL");
    this.children = [];
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
