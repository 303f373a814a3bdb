import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import { once } from "node:events";
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
/** Before a process that ended by itself is started again; twice as long each time it ends before it has run for a minute. */
const RESTART_MS = 250;
const MAX_RESTART_MS = 30_000;
const STEADY_MS = 60_000;

/** The collector's process ended before it answered. It is started again. */
export class CollectorEnded extends Error {
  override readonly name = "CollectorEnded";

  constructor() {
    super("the collector's process ended");
  }
}

export interface LinkEvents {
  /** Told of everything that is no answer. */
  report(report: Exclude<CollectorReport, { kind: "result" }>): void;
  /** A process is there that knows nothing yet. It serves nobody until this resolves. */
  started(): Promise<void>;
  problem(message: string, error?: unknown): void;
}

type Call = { resolve(value: CollectorValue | undefined): void; reject(error: Error): void };

/** The collector's process, and the line to it; started again whenever it ends by itself. */
export class CollectorLink {
  readonly #events: LinkEvents;
  readonly #calls = new Map<number, Call>();
  #child: ChildProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  #generation = 0;
  #lastCall = 0;
  #isClosed = false;
  #startedAt = 0;
  #restartMs = RESTART_MS / 2;

  constructor(events: LinkEvents) {
    this.#events = events;
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

  /** What the process there is answers. Rejects with CollectorEnded where it ends first, and with what it refuses with. */
  ask(command: CollectorCommand, socket?: object): Promise<CollectorValue | undefined> {
    const child = this.#child;
    if (child === undefined || !child.connected) {
      closeSocket(socket);
      return Promise.reject(new CollectorEnded());
    }
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
        if (this.#child !== undefined) await once(this.#child, "exit");
      }
    }
  }

  answer(answer: DaemonAnswer): void {
    if (this.#child?.connected === true) this.#child.send(answer);
  }

  /** Ends the process: at once, unless it was asked to stop before. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
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
    const env = { ...passedOn, UV_THREADPOOL_SIZE: POOL_THREADS };
    const child = fork(PROGRAM, [], {
      serialization: "advanced",
      env,
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    this.#generation += 1;
    this.#startedAt = performance.now();
    child.on("message", (report: CollectorReport) => this.#hear(report));
    child.on("error", (error) => this.#events.problem("the collector's process failed", error));
    child.once("exit", (code, signal) => this.#ended(child, code, signal));
    await this.#events.started();
    this.#holdOpen(child);
  }

  #hear(report: CollectorReport): void {
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
    this.#child = undefined;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    if (!this.#isClosed) {
      this.#events.problem(
        `the collector's process ended (${signal ?? `code ${code}`}) and is started again`,
      );
      this.#ready = this.#again();
      this.#ready.catch(() => undefined); // whoever waits for it hears
    }
    for (const { reject } of calls) reject(new CollectorEnded());
  }

  /** Until one serves, or the link is closed. */
  async #again(): Promise<void> {
    const wasSteady = performance.now() - this.#startedAt > STEADY_MS;
    this.#restartMs = wasSteady ? RESTART_MS : Math.min(MAX_RESTART_MS, this.#restartMs * 2);
    await new Promise((resolve) => {
      setTimeout(resolve, this.#restartMs).unref();
    });
    if (this.#isClosed) throw new SandglassError("SHUTTING_DOWN", "the collector is being ended");
    try {
      await this.#launch();
    } catch (error) {
      this.#events.problem("the collector's process cannot be started again", error);
      // Its end brings the next attempt.
      this.#child?.kill("SIGKILL");
      throw error;
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
