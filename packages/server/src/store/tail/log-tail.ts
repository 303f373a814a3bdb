import { Worker } from "node:worker_threads";
import { SandglassError } from "@sandglass/protocol";
import type { LogUpdate } from "@sandglass/telemetry/reading";
import type { TailCommand, TailFilter, TailReport, TailSettings } from "./messages.ts";

/** Clients that follow at once. */
const MAX_FOLLOWERS = 100;

interface Follower {
  blocks: string[];
  wake: () => void;
  hasEnded: boolean;
}

/**
 * Log records as they come, read from the log of telemetry in a thread of its own, which is there while anybody follows. Nothing is
 * asked of the store, and nobody waits for a follower: what one cannot take in time it misses, and is told how much.
 */
export class LogTail {
  readonly #settings: TailSettings;
  readonly #listen: ((post: (update: LogUpdate) => void) => () => void) | undefined;
  readonly #followers = new Map<number, Follower>();
  #thread: Worker | undefined;
  #stopListening: (() => void) | undefined;
  #last = 0;

  /** @param listen tells of the log of telemetry, from all there is now on; undefined: there is none, and nothing to follow */
  constructor(
    settings: TailSettings,
    listen: ((post: (update: LogUpdate) => void) => () => void) | undefined,
  ) {
    this.#settings = settings;
    this.#listen = listen;
  }

  /**
   * Blocks of NDJSON: log records, and `{"type":"gap","missed":n}` where some were missed. Ends with the signal, or where the thread
   * failed.
   *
   * @throws SandglassError CONNECTION_LIMIT_REACHED
   */
  follow(filter: TailFilter, signal: AbortSignal): AsyncGenerator<string> {
    if (this.#followers.size >= MAX_FOLLOWERS) {
      throw new SandglassError("CONNECTION_LIMIT_REACHED", `${MAX_FOLLOWERS} clients follow logs already`);
    }
    const id = ++this.#last;
    const follower: Follower = { blocks: [], wake: () => {}, hasEnded: signal.aborted };
    this.#followers.set(id, follower);
    signal.addEventListener("abort", () => this.#leave(id), { once: true });
    if (signal.aborted) this.#leave(id);
    else this.#post({ kind: "follow", follower: id, filter });
    return this.#blocks(id, follower);
  }

  close(): void {
    for (const id of [...this.#followers.keys()]) this.#leave(id);
  }

  async *#blocks(id: number, follower: Follower): AsyncGenerator<string> {
    try {
      while (!follower.hasEnded) {
        const block = follower.blocks.shift();
        if (block === undefined) {
          await new Promise<void>((resolve) => {
            follower.wake = resolve;
          });
          continue;
        }
        yield block;
        this.#thread?.postMessage({ kind: "taken", follower: id } satisfies TailCommand);
      }
    } finally {
      this.#leave(id);
    }
  }

  #leave(id: number): void {
    const follower = this.#followers.get(id);
    if (follower === undefined) return;
    this.#followers.delete(id);
    follower.hasEnded = true;
    follower.wake();
    if (this.#followers.size > 0) return void this.#post({ kind: "leave", follower: id });
    this.#stopListening?.();
    void this.#thread?.terminate();
    this.#thread = undefined;
  }

  #post(command: TailCommand): void {
    this.#thread ??= this.#start();
    this.#thread.postMessage(command);
  }

  #start(): Worker {
    const thread = new Worker(new URL("./tail-main.ts", import.meta.url), {
      workerData: this.#settings,
      name: "sandglass-log-tail",
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    thread.unref();
    this.#stopListening = this.#listen?.((update) =>
      thread.postMessage({ kind: "log", update } satisfies TailCommand),
    );
    thread.on("message", ({ follower: id, lines }: TailReport) => {
      const follower = this.#followers.get(id);
      follower?.blocks.push(lines);
      follower?.wake();
    });
    const fail = (): void => {
      if (this.#thread !== thread) return;
      for (const id of [...this.#followers.keys()]) this.#leave(id);
    };
    thread.once("error", fail);
    thread.once("exit", fail);
    return thread;
  }
}
