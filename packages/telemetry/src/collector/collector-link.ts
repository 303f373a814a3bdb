import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { SandglassError } from "@sandglass/protocol";
import type {
  CollectorCall,
  CollectorCommand,
  CollectorReport,
  CollectorValue,
  DaemonAnswer,
  WireError,
} from "./messages.ts";

const PROGRAM = fileURLToPath(new URL("./collector-main.ts", import.meta.url));
/** Which of the daemon's environment the process needs: whom to trust when it sends. Everything else it is told. */
const PASSED_ON = ["NODE_EXTRA_CA_CERTS", "NODE_USE_SYSTEM_CA", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/** Names that cannot be resolved take a thread each for a while; what is inflated must not wait for them. */
const POOL_THREADS = "16";
/**
 * Nearly all that it allocates are bodies, which live for milliseconds beside a small heap. By itself V8 looks through the heap for every
 * 20 MB of them, which takes longer than all the rest of the work; so it lets four times what lives come together first. And it looks
 * through what is young more often, which takes little: bodies are gone then before it counts them as old. Its middle compiler, beside the
 * optimising one, is worth less to so little code than its threads take: an eighth of all.
 */
const ENGINE_FLAGS = ["--no-maglev", "--heap-growing-percent=300", "--max-semi-space-size=1"];
/** Before one that ended is started again, twice as long where it ran for less than `STEADY_MS`: without one there are no new sandboxes. */
const RESTART_MS = 250;
const MAX_RESTART_MS = 5_000;
const STEADY_MS = 10_000;
/** While something is asked, it is looked this often whether the process still answers, and how long it may be silent. */
const PING_EVERY_MS = 3_000;
const SILENCE_MS = 20_000;
/** Until its first word: a slow host takes its time to load it. */
const START_SILENCE_MS = 180_000;

/** The collector's process ended before it answered. It is started again. */
export class CollectorEnded extends Error {
  override readonly name = "CollectorEnded";

  constructor() {
    super("the collector's process ended");
  }
}

/** Tells a process something, and has its answer. */
export type Ask = (command: CollectorCommand) => Promise<CollectorValue | undefined>;

export interface LinkEvents {
  /** Told of everything that is no answer. */
  report(report: Exclude<CollectorReport, { kind: "result" | "pong" }>): void;
  /** A process is there that knows nothing yet: what it is told by `ask` comes before anything else. It serves once this resolves. */
  started(ask: Ask): Promise<void>;
  problem(message: string, error?: unknown): void;
}

type Call = { resolve(value: CollectorValue | undefined): void; reject(error: Error): void };

/** The collector's process, and the line to it; started again whenever it ends by itself. */
export class CollectorLink {
  readonly #events: LinkEvents;
  readonly #calls = new Map<number, Call>();
  #child: ChildProcess | undefined;
  #isServing = false;
  #heardAt = 0;
  #hasSpoken = false;
  #watch: NodeJS.Timeout | undefined;
  #ready: Promise<void> = Promise.resolve();
  #generation = 0;
  #lastCall = 0;
  #isClosed = false;
  #startedAt = 0;
  #restartMs = RESTART_MS / 2;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  /** Whether there is a process that has been told all it needs. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Counts up with each process. */
  get generation(): number {
    return this.#generation;
  }

  /** Resolves when the process serves. Rejects, having ended it, with what keeps it from doing so. */
  async start(): Promise<void> {
    this.#ready = this.#launch();
    try {
      await this.#ready;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Resolves when there is a process that serves. Rejects with SHUTTING_DOWN. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** What the process there is answers. Rejects with CollectorEnded where none serves or it ends first, and with what it refuses with. */
  ask(command: CollectorCommand, socket?: object): Promise<CollectorValue | undefined> {
    if (this.#isServing) return this.#tell(command, socket);
    closeSocket(socket);
    return Promise.reject(new CollectorEnded());
  }

  #tell(command: CollectorCommand, socket?: object): Promise<CollectorValue | undefined> {
    const child = this.#child;
    if (child === undefined || !child.connected) {
      closeSocket(socket);
      return Promise.reject(new CollectorEnded());
    }
    this.#keepWatch();
    const call = ++this.#lastCall;
    const { promise, resolve, reject } = Promise.withResolvers<CollectorValue | undefined>();
    this.#calls.set(call, { resolve, reject });
    this.#holdOpen(child);
    child.send({ ...command, call } satisfies CollectorCall, socket as SendHandle, (error) => {
      closeSocket(socket);
      if (error !== null) this.#settle(call)?.reject(new CollectorEnded());
    });
    return promise;
  }

  /** The same, of whichever process is there: asked again where one ended. For what may be done twice. */
  async call(command: CollectorCommand): Promise<CollectorValue | undefined> {
    for (;;) {
      await this.#ready;
      try {
        return await this.ask(command);
      } catch (error) {
        if (!(error instanceof CollectorEnded) || this.#isClosed) throw error;
        // The one that comes in its place is on its way once this one's end is known.
        if (this.#isServing && this.#child !== undefined) await once(this.#child, "exit");
      }
    }
  }

  answer(answer: DaemonAnswer): void {
    if (this.#child?.connected === true) this.#child.send(answer);
  }

  /** Ends the process: at once, unless it was asked to stop before. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isServing = false;
    clearInterval(this.#watch);
    this.#ready = Promise.reject(new SandglassError("SHUTTING_DOWN", "the collector is being ended"));
    this.#ready.catch(() => undefined); // told to whoever comes
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill("SIGKILL"), 1000);
    await exited;
    clearTimeout(late);
  }

  async #launch(): Promise<void> {
    const passedOn = Object.fromEntries(
      PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
    );
    const compiled = getCompileCacheDir();
    const env = {
      ...passedOn,
      UV_THREADPOOL_SIZE: POOL_THREADS,
      // Where the daemon keeps compiled sources, if it does; what is asked for is one above what is in use.
      ...(compiled !== undefined && { NODE_COMPILE_CACHE: dirname(compiled) }),
    };
    const child = fork(PROGRAM, [], {
      serialization: "advanced",
      env,
      execArgv: [...ENGINE_FLAGS, "--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    this.#generation += 1;
    this.#startedAt = performance.now();
    child.on("message", (report: CollectorReport) => this.#hear(report));
    this.#hasSpoken = false;
    this.#heardAt = performance.now();
    const { promise: failed, reject } = Promise.withResolvers<never>();
    child.on("error", (error) => {
      this.#events.problem("the collector's process failed", error);
      // One that could not be made has no end.
      if (child.pid === undefined) reject(error);
    });
    child.once("exit", (code, signal) => {
      reject(new CollectorEnded());
      this.#ended(child, code, signal);
    });
    await Promise.race([this.#events.started((command) => this.#tell(command)), failed]);
    this.#isServing = true;
    this.#holdOpen(child);
  }

  /** A process that hangs is as good as none: it is ended, and started again. */
  #keepWatch(): void {
    if (this.#watch !== undefined) return;
    this.#heardAt = performance.now();
    this.#watch = setInterval(() => {
      const child = this.#child;
      if (child === undefined || this.#calls.size === 0) {
        clearInterval(this.#watch);
        this.#watch = undefined;
      } else if (performance.now() - this.#heardAt > (this.#hasSpoken ? SILENCE_MS : START_SILENCE_MS)) {
        this.#events.problem("the collector's process does not answer any more and is ended");
        child.kill("SIGKILL");
      } else if (child.connected) child.send({ kind: "ping" }, () => undefined);
    }, PING_EVERY_MS).unref();
  }

  #hear(report: CollectorReport): void {
    this.#hasSpoken = true;
    this.#heardAt = performance.now();
    if (report.kind === "pong") return;
    if (report.kind !== "result") return this.#events.report(report);
    const call = this.#settle(report.call);
    if (report.error === undefined) call?.resolve(report.value);
    else call?.reject(fromWire(report.error));
  }

  #settle(call: number): Call | undefined {
    const known = this.#calls.get(call);
    this.#calls.delete(call);
    if (this.#child) this.#holdOpen(this.#child);
    return known;
  }

  /** A program that waits for an answer does not end before it has it; and for nothing else does the process keep it. */
  #holdOpen(child: ChildProcess): void {
    const isWaiting = this.#calls.size > 0;
    if (isWaiting) child.ref();
    else child.unref();
    const { channel } = child;
    if (isWaiting) channel?.ref();
    else channel?.unref();
  }

  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    const wasServing = this.#isServing;
    this.#dropCalls();
    // One that never served is told of, and followed, by whoever launched it.
    if (!this.#isClosed && wasServing) {
      this.#events.problem(
        `the collector's process ended (${signal ?? `code ${code}`}) and is started again`,
      );
      this.#ready = this.#again();
      this.#ready.catch(() => undefined); // whoever waits for it hears
    }
  }

  #dropCalls(): void {
    this.#child = undefined;
    this.#isServing = false;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) reject(new CollectorEnded());
  }

  /** Until one serves, or the link is closed. */
  async #again(): Promise<void> {
    const wasSteady = performance.now() - this.#startedAt > STEADY_MS;
    if (wasSteady) this.#restartMs = RESTART_MS / 2;
    for (;;) {
      this.#restartMs = Math.min(MAX_RESTART_MS, this.#restartMs * 2);
      await new Promise((resolve) => {
        setTimeout(resolve, this.#restartMs).unref();
      });
      if (this.#isClosed) throw new SandglassError("SHUTTING_DOWN", "the collector is being ended");
      try {
        return await this.#launch();
      } catch (error) {
        this.#events.problem("the collector's process cannot be started again yet", error);
        const failed = this.#child;
        this.#dropCalls();
        failed?.kill("SIGKILL");
      }
    }
  }
}

/** This process's copy: the other has its own. */
function closeSocket(socket: object | undefined): void {
  (socket as { close?(): void } | undefined)?.close?.();
}

function fromWire({ message, code, hint }: WireError): Error {
  if (code === undefined) return new Error(message);
  return new SandglassError(code as "INTERNAL", message, hint === undefined ? {} : { hint });
}
