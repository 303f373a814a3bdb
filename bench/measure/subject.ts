import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What a subject that was let go may take to tidy up. */
const END_MS = 10_000;

/** A question to a subject; its `answer` comes back under the same number. */
export interface Call {
  call: number;
  name: string;
  argument: unknown;
}

export type Answer = { call: number; value: unknown } | { call: number; error: string };

/**
 * A module in a process of its own that does what it is called for (see `answerCalls`): what one candidate leaves behind, in
 * memory or compiled code, is no burden to the other. It lives over all rounds, so that none of them pays for a start.
 */
export class Subject implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastCall = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (answer: Answer) => this.#hear(answer));
    child.once("exit", (code, signal) => {
      for (const { reject } of this.#calls.values()) reject(new Error(`ended with ${signal ?? code}`));
    });
  }

  /**
   * @param core the one processor that all threads of it share; absent: any
   * @param flags of node
   */
  static async start(module: URL, core?: number, flags: readonly string[] = []): Promise<Subject> {
    const own = ["--disable-warning=ExperimentalWarning", ...flags];
    const pinned = { execPath: "taskset", execArgv: ["-c", String(core), process.execPath, ...own] };
    const child = fork(fileURLToPath(module), { ...(core === undefined ? { execArgv: own } : pinned) });
    await once(child, "spawn");
    return new Subject(child);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Rejects with what it throws there, and where the process has ended. */
  call<T>(name: string, argument: unknown = null): Promise<T> {
    const call = ++this.#lastCall;
    const pending = Promise.withResolvers<unknown>();
    this.#calls.set(call, pending);
    this.#child.send({ call, name, argument } satisfies Call);
    return pending.promise as Promise<T>;
  }

  /** It is told by the end of its channel, and tidies up. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await exited;
    clearTimeout(late);
  }

  #hear(answer: Answer): void {
    const pending = this.#calls.get(answer.call);
    this.#calls.delete(answer.call);
    if ("error" in answer) pending?.reject(new Error(answer.error));
    else pending?.resolve(answer.value);
  }
}
