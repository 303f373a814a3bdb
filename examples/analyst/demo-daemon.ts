import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "sandglass";
import { type Leftovers, leftovers, processTree } from "./leftovers.ts";

export const SANDGLASS = fileURLToPath(new URL("../../bin/sandglass", import.meta.url));

/** Sandboxes that the analyst has open at once, but for the small one: a ready sandbox may be given more memory, not less. */
const POOL_SIZE = 4;
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** A daemon of the demo's own: on a free port, with its record and its key in one directory. */
export class DemoDaemon {
  readonly url: string;
  readonly apiKey: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #dataDir: string;
  #stopped: Promise<Leftovers> | undefined;

  private constructor(child: ChildProcess, exited: Promise<number | null>, url: string, dataDir: string) {
    this.#child = child;
    this.#exited = exited;
    this.#dataDir = dataDir;
    this.url = url;
    const keys = JSON.parse(readFileSync(credentialsFile(dataDir), "utf8")) as Record<
      string,
      { apiKey: string }
    >;
    this.apiKey = keys[url]?.apiKey ?? "";
  }

  /**
   * Resolves when it is ready and has sandboxes waiting. What it logs goes to `<dataDir>.log`.
   *
   * @throws Error with what the daemon said where it does not come up
   */
  static async start(dataDir: string): Promise<DemoDaemon> {
    mkdirSync(dirname(dataDir), { recursive: true });
    const args = ["serve", "--port", "0", "--data-dir", dataDir, "--pool", `python=${POOL_SIZE}`];
    const child = spawn(SANDGLASS, args, {
      // In a process group of its own: Ctrl-C is for the demo, which then stops the daemon in order.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SANDGLASS_CREDENTIALS: credentialsFile(dataDir) },
    });
    const exited = once(child, "exit").then(([code]) => code as number | null);
    const log = createWriteStream(`${dataDir}.log`, { flags: "a" });
    let said = "";
    const ready = new Promise<string>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (chunk: string) => {
          log.write(chunk);
          if (said.length < 100_000) said += chunk;
          const url = /message=ready url=(\S+)/.exec(said)?.[1];
          if (url !== undefined) resolve(url);
        });
      }
    });
    const ended = exited.then((code) => {
      throw new Error(`the daemon ended with ${code} before it was ready:\n${said.trimEnd()}`);
    });
    try {
      const url = await Promise.race([ready, ended, timeout("the daemon said nothing of being ready")]);
      const daemon = new DemoDaemon(child, exited, url, dataDir);
      await Promise.race([daemon.#waitForPool(), ended]);
      return daemon;
    } catch (error) {
      child.kill("SIGTERM");
      await exited;
      throw error;
    }
  }

  /** SIGTERM, then the end; afterwards what is left of it on this machine: nothing, where all went well. Idempotent. */
  stop(): Promise<Leftovers> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<Leftovers> {
    const tree = processTree(this.#child.pid ?? 0);
    this.#child.kill("SIGTERM");
    const code = await this.#exited;
    if (code !== 0) throw new Error(`the daemon ended with ${code}; its log: ${this.#dataDir}.log`);
    return leftovers(tree, this.#dataDir);
  }

  async #waitForPool(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const isReady = await fetch(`${this.url}/readyz`).then(({ ok }) => ok);
      if (isReady && (await this.#readySandboxes()) >= POOL_SIZE) return;
      await sleep(POLL_MS);
    }
    const { checks } = await new Client({ baseUrl: this.url, apiKey: this.apiKey }).doctor();
    const problems = checks.filter(({ status }) => status === "error");
    throw new Error(
      [
        `no ${POOL_SIZE} sandboxes came up`,
        ...problems.map(
          ({ name, detail, hint }) => `${name}: ${detail}${hint === undefined ? "" : ` (${hint})`}`,
        ),
      ].join("\n  "),
    );
  }

  async #readySandboxes(): Promise<number> {
    const response = await fetch(`${this.url}/metrics`, {
      headers: { authorization: `Bearer ${this.apiKey}` },
    });
    const count = /^sandglass_pool_ready\{template="python"\} (\d+)$/m.exec(await response.text());
    return Number(count?.[1] ?? 0);
  }
}

/** Inside the data directory: the keys that the user has for other daemons stay as they are. */
export function credentialsFile(dataDir: string): string {
  return join(dataDir, "credentials.json");
}

async function timeout(message: string): Promise<never> {
  await sleep(READY_TIMEOUT_MS, undefined, { ref: false });
  throw new Error(message);
}
