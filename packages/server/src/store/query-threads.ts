import { Worker } from "node:worker_threads";
import { SandglassError } from "@sandglass/protocol";
import type { QueryAnswer, QueryArguments, QueryCall, QueryName, QueryResult } from "./messages.ts";

/** Two, so that one long query leaves a way for the others. */
const MAX_THREADS = 2;
/** Waiting beyond this are refused. */
const MAX_WAITING = 200;
const EXECUTION_LIMIT_MS = 30_000;

interface Waiting {
  name: QueryName;
  arguments: unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
  signal: AbortSignal | undefined;
}

/** Answers queries in threads of their own. One whose caller has gone, or that takes too long, is ended with its thread. */
export class QueryThreads {
  readonly #path: string;
  readonly #waiting: Waiting[] = [];
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  #lastCall = 0;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws SandglassError STORE_UNAVAILABLE (too many, too long, what SQLite says); the signal's reason */
  ask<Name extends QueryName>(
    name: Name,
    query: QueryArguments<Name>,
    signal?: AbortSignal,
  ): Promise<QueryResult<Name>> {
    signal?.throwIfAborted();
    if (this.#isClosed || this.#waiting.length >= MAX_WAITING) {
      throw unavailable(this.#isClosed ? "the daemon is stopping" : "too many queries are waiting");
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const waiting: Waiting = { name, arguments: query, resolve, reject, signal };
    this.#waiting.push(waiting);
    signal?.addEventListener("abort", () => this.#giveUp(waiting), { once: true });
    this.#next();
    return promise as Promise<QueryResult<Name>>;
  }

  /** The store's file is another one now. */
  async reopen(): Promise<void> {
    const threads = [...this.#all];
    this.#idle.length = 0;
    await Promise.all(threads.map((thread) => thread.terminate()));
    this.#next();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(unavailable("the daemon is stopping"));
    await Promise.all([...this.#all].map((thread) => thread.terminate()));
  }

  #giveUp(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    waiting.reject(waiting.signal?.reason as Error);
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop() ?? (this.#all.size < MAX_THREADS ? this.#start() : undefined);
      if (thread === undefined) return;
      const waiting = this.#waiting.shift();
      if (waiting !== undefined) this.#serve(thread, waiting);
    }
  }

  #start(): Worker {
    const thread = new Worker(new URL("./query-main.ts", import.meta.url), {
      workerData: { path: this.#path },
      name: "sandglass-query",
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    thread.unref();
    this.#all.add(thread);
    thread.once("exit", () => {
      this.#all.delete(thread);
      const index = this.#idle.indexOf(thread);
      if (index !== -1) this.#idle.splice(index, 1);
      if (!this.#isClosed) this.#next();
    });
    return thread;
  }

  #serve(thread: Worker, waiting: Waiting): void {
    const { name, signal } = waiting;
    const call = ++this.#lastCall;
    let isDone = false;
    const finish = (settle: () => void): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(limit);
      thread.off("message", onAnswer);
      thread.off("error", onError);
      thread.off("exit", onExit);
      signal?.removeEventListener("abort", onAbort);
      settle();
    };
    const end = (error: Error): void => {
      finish(() => waiting.reject(error));
      // It ends where its statement calls JavaScript next.
      void thread.terminate();
    };
    const onAnswer = (answer: QueryAnswer): void => {
      if (answer.call !== call) return;
      finish(() => {
        if (answer.error === undefined) waiting.resolve(answer.value);
        else waiting.reject(unavailable(answer.error));
        this.#idle.push(thread);
        this.#next();
      });
    };
    const onError = (error: Error): void => end(unavailable(error.message));
    const onExit = (): void => finish(() => waiting.reject(unavailable("the query's thread ended")));
    const onAbort = (): void => end(signal?.reason as Error);
    const limit = setTimeout(() => end(unavailable("the query took too long")), EXECUTION_LIMIT_MS).unref();
    thread.on("message", onAnswer);
    thread.once("error", onError);
    thread.once("exit", onExit);
    signal?.addEventListener("abort", onAbort, { once: true });
    thread.postMessage({ call, name, arguments: waiting.arguments } satisfies QueryCall);
  }
}

function unavailable(reason: string): SandglassError {
  return new SandglassError("STORE_UNAVAILABLE", `the store cannot answer: ${reason}`, {
    hint: "try again; `GET /v1/events` reads the record itself",
  });
}
