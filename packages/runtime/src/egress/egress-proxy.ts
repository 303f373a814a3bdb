import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EgressOptions, SandglassError } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import { Turns } from "../turns.ts";
import type { ProxyAnswer, ProxyCommand, ProxyReport, SocketAddress } from "./egress-messages.ts";
import type { OwnerRefusal } from "./egress-policy.ts";
import type { UpstreamProxy } from "./upstream-proxy.ts";

const PROGRAM = fileURLToPath(new URL("./egress-main.ts", import.meta.url));
/** Names that cannot be resolved take a thread each for a while. */
const POOL_THREADS = "32";
/** Before a process that ended by itself is started again; twice as long each time it ends before it has run for `STEADY_MS`. */
const RESTART_MS = 100;
const MAX_RESTART_MS = 5_000;
const STEADY_MS = 10_000;
/** How often it is looked whether the process still answers, and how long it may be silent. */
const PING_EVERY_MS = 5_000;
const SILENCE_MS = 20_000;

/** A sandbox that the proxy serves. */
export interface ProxyGuest {
  readonly options: EgressOptions;
  readonly isTrusted: boolean;
  /** A listening socket in the sandbox; the proxy closes it, and may ask for another then. */
  open(): Promise<SocketHandle>;
  /** Resolves when it is found out whose request this is and there is room to tell of it, or why it is refused. Never rejects. */
  own(request: number, peer: SocketAddress): Promise<OwnerRefusal | undefined>;
  /** Told of everything but requests that come in. */
  hear(report: Exclude<ProxyReport, { kind: "request" }>): void;
  /** The process has ended, and with it whatever was open. */
  lost(): void;
}

type Call = { resolve(): void; reject(error: Error): void };
type Command = ProxyCommand extends infer Each
  ? Each extends { call: number }
    ? Omit<Each, "call">
    : never
  : never;

class ProxyEnded extends Error {
  override readonly name = "ProxyEnded";

  constructor() {
    super("the egress proxy ended");
  }
}

/**
 * The proxy of all sandboxes that may reach anything: a process of its own, so that what hostile code sends never shares the event loop
 * of the API. It is started with the first sandbox that needs it, and again whenever it ends by itself; sandboxes keep their policies.
 */
export class EgressProxy {
  /** One search for owners at a time, whichever sandbox it is for: it takes a thread, and the log needs those too. */
  readonly searches = new Turns(1);
  readonly #upstream: UpstreamProxy | undefined;
  readonly #guests = new Map<string, ProxyGuest>();
  readonly #calls = new Map<number, Call>();
  #child: ChildProcess | undefined;
  /** Resolves when a process serves all guests. */
  #ready: Promise<void> | undefined;
  #watch: NodeJS.Timeout | undefined;
  #heardAt = 0;
  #startedAt = 0;
  #restartMs = RESTART_MS;
  #lastCall = 0;
  #isClosed = false;

  /** @param upstream what it passes everything on to; default: destinations are connected to themselves */
  constructor(upstream?: UpstreamProxy) {
    this.#upstream = upstream;
  }

  /** The process's pid; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Serves a sandbox from now on. Rejects with DRIVER_ERROR where it cannot be. */
  async attach(sandboxId: string, guest: ProxyGuest): Promise<void> {
    try {
      this.#ready ??= this.#launch();
      await this.#ready;
      this.#guests.set(sandboxId, guest);
      await this.#serve(sandboxId, guest);
    } catch (error) {
      // The process that comes in its place is told of all guests.
      if (error instanceof ProxyEnded && this.#guests.has(sandboxId) && !this.#isClosed) return this.#ready;
      this.#guests.delete(sandboxId);
      throw new SandglassError(
        "DRIVER_ERROR",
        `the sandbox's egress could not be opened: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Cuts what the sandbox has open. Resolves when all of it has been told. Never rejects. */
  async detach(sandboxId: string): Promise<void> {
    const guest = this.#guests.get(sandboxId);
    if (guest === undefined) return;
    try {
      await this.#ask({ kind: "drop", sandboxId });
    } catch (error) {
      if (!(error instanceof ProxyEnded))
        process.emitWarning(`egress of ${sandboxId}: ${(error as Error).message}`);
    }
    this.#guests.delete(sandboxId);
    guest.lost(); // of what it did not tell, nobody will any more
  }

  /** Ends the process. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.ref();
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill("SIGKILL"), 1000);
    await exited;
    clearTimeout(late);
  }

  async #serve(sandboxId: string, { options, isTrusted, open }: ProxyGuest): Promise<void> {
    const socket = await open();
    await this.#ask({ kind: "serve", sandboxId, options, isTrusted, upstream: this.#upstream }, socket);
  }

  #ask(command: Command, socket?: SocketHandle): Promise<void> {
    const child = this.#child;
    if (child === undefined || !child.connected) {
      closeSocket(socket);
      return Promise.reject(new ProxyEnded());
    }
    const call = ++this.#lastCall;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#calls.set(call, { resolve, reject });
    this.#holdOpen(child);
    child.send({ ...command, call } as ProxyCommand, socket as SendHandle, (error) => {
      closeSocket(socket);
      if (error !== null) this.#settle(call)?.reject(new ProxyEnded());
    });
    return promise;
  }

  /** Rejects where the process does not come up; then the next attempt is the next guest's. */
  async #launch(): Promise<void> {
    if (this.#isClosed) throw new SandglassError("SHUTTING_DOWN", "the daemon is stopping");
    const compiled = getCompileCacheDir();
    const child = fork(PROGRAM, [], {
      serialization: "advanced",
      // Nothing of the daemon's own: there may be secrets in it.
      env: {
        UV_THREADPOOL_SIZE: POOL_THREADS,
        ...(compiled !== undefined && { NODE_COMPILE_CACHE: dirname(compiled) }),
      },
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    this.#startedAt = performance.now();
    child.on("message", (message: ProxyReport | ProxyAnswer) => this.#hear(message, child));
    child.on("error", (error) => warn(`the egress proxy failed: ${error.message}`));
    child.once("exit", (code, signal) => this.#ended(child, signal ?? `code ${code}`));
    this.#heardAt = performance.now();
    this.#watch ??= setInterval(() => this.#look(), PING_EVERY_MS).unref();
    try {
      await this.#ask({ kind: "ping" });
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }

  /** A process that hangs is as good as none. */
  #look(): void {
    const child = this.#child;
    if (child === undefined) return;
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      warn("the egress proxy does not answer any more and is ended");
      child.kill("SIGKILL");
    } else this.#ask({ kind: "ping" }).catch(() => {}); // its end is seen
  }

  #hear(message: ProxyReport | ProxyAnswer, child: ChildProcess): void {
    this.#heardAt = performance.now();
    if (message.kind === "result") {
      const call = this.#settle(message.call);
      if (message.error === undefined) call?.resolve();
      else call?.reject(new Error(message.error));
      return;
    }
    const guest = this.#guests.get(message.sandboxId);
    if (message.kind !== "request") return guest?.hear(message);
    const { request, peer } = message;
    const owned = guest?.own(request, peer) ?? Promise.resolve<OwnerRefusal>("not_attributed");
    void owned.then((refusal) => {
      if (child.connected) child.send({ kind: "owned", request, refusal } satisfies ProxyCommand, () => {});
    });
  }

  #settle(call: number): Call | undefined {
    const known = this.#calls.get(call);
    this.#calls.delete(call);
    if (this.#child !== undefined) this.#holdOpen(this.#child);
    return known;
  }

  /** A program that waits for an answer does not end before it has it; and for nothing else does the process keep it. */
  #holdOpen(child: ChildProcess): void {
    const isWaiting = this.#calls.size > 0;
    if (isWaiting) child.ref();
    else child.unref();
    if (isWaiting) child.channel?.ref();
    else child.channel?.unref();
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const guest of this.#guests.values()) guest.lost();
    const isNeeded = !this.#isClosed && this.#guests.size > 0;
    if (isNeeded) warn(`the egress proxy ended (${how}) and is started again`);
    this.#ready = isNeeded ? this.#again() : undefined;
    this.#ready?.catch(() => {}); // whoever waits for it hears
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) reject(new ProxyEnded());
  }

  /** Until one serves whoever is there. */
  async #again(): Promise<void> {
    if (performance.now() - this.#startedAt > STEADY_MS) this.#restartMs = RESTART_MS;
    await delay(this.#restartMs, undefined, { ref: false });
    this.#restartMs = Math.min(MAX_RESTART_MS, this.#restartMs * 2);
    await this.#launch();
    for (const [sandboxId, guest] of [...this.#guests]) {
      try {
        await this.#serve(sandboxId, guest);
      } catch (error) {
        if (error instanceof ProxyEnded) throw error;
        warn(`egress of ${sandboxId} is not there any more: ${(error as Error).message}`);
      }
    }
  }
}

/** This process's copy: the other has its own. */
function closeSocket(socket: SocketHandle | undefined): void {
  (socket as { close?(): void } | undefined)?.close?.();
}

function warn(message: string): void {
  process.emitWarning(message, { code: "SANDGLASS_EGRESS" });
}
