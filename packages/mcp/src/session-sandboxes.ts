import { type CreateSandboxOptions, type Run, type Sandbox, SandglassError } from "sandglass";
import { RetriedPromise } from "./retried-promise.ts";

/** Connections to sandboxes that calls named by their ids; the oldest are made anew. */
const MAX_NAMED = 100;
/** What a call meets whose sandbox is no more. */
const GONE: readonly string[] = ["SANDBOX_ENDED", "SANDBOX_NOT_FOUND"];

/** Where a call was done. */
export interface SandboxUse {
  sandbox: Sandbox;
  /** The session's sandbox had ended, and this one took its place: files and variables are gone. */
  isReplacement: boolean;
}

/**
 * The sandboxes of one session: one of its own, made by the first call that needs it, the forks that it makes, which end with it too, and
 * those that calls name.
 */
export class SessionSandboxes {
  readonly #options: CreateSandboxOptions;
  readonly #own = new RetriedPromise<Sandbox>();
  readonly #forks = new Map<string, Sandbox>();
  readonly #named = new Map<string, Sandbox>();

  /** @param options of the session's own */
  constructor(options: CreateSandboxOptions) {
    this.#options = options;
  }

  /**
   * Does something in a sandbox. Where the session's own turns out to have ended, by its idle time or its own doing, another is made,
   * once.
   *
   * @param id default: the session's own
   * @throws SandglassError what making and reaching it fails with, and `work`
   */
  async use<T>(run: Run, id: string | undefined, work: (use: SandboxUse) => Promise<T>): Promise<T> {
    if (id !== undefined) return this.#useNamed(run, id, work);
    const making = this.#own.get(() => run.sandboxes.create({ ...this.#options }));
    try {
      return await work({ sandbox: await making, isReplacement: false });
    } catch (error) {
      if (!(error instanceof SandglassError) || !GONE.includes(error.code)) throw error;
      this.#own.forget(making);
    }
    const sandbox = await this.#own.get(() => run.sandboxes.create({ ...this.#options }));
    return work({ sandbox, isReplacement: true });
  }

  /** Takes in forks that a call has made: they are the session's, whatever they are forks of. */
  adopt(forks: readonly Sandbox[]): void {
    for (const fork of forks) this.#forks.set(fork.id, fork);
  }

  /**
   * Ends the session's own, also one that is just being made, and its forks.
   *
   * @throws AggregateError where one does not end; the others have
   */
  async close(): Promise<void> {
    const own = await this.#own.peek()?.catch(() => undefined);
    const all = [...this.#forks.values(), ...(own === undefined ? [] : [own])];
    const endings = await Promise.allSettled(all.map((sandbox) => sandbox.terminate()));
    const failures = endings.flatMap((ending) => (ending.status === "rejected" ? [ending.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} sandboxes did not end`);
  }

  async #useNamed<T>(run: Run, id: string, work: (use: SandboxUse) => Promise<T>): Promise<T> {
    try {
      return await work({ sandbox: await this.#connect(run, id), isReplacement: false });
    } catch (error) {
      // One that is no more, merged or ended by its own doing, need not be ended with the session.
      if (error instanceof SandglassError && GONE.includes(error.code)) this.#forks.delete(id);
      throw error;
    }
  }

  async #connect(run: Run, id: string): Promise<Sandbox> {
    const known = this.#forks.get(id) ?? this.#named.get(id);
    if (known !== undefined) return known;
    const sandbox = await run.sandboxes.connect(id);
    this.#named.set(id, sandbox);
    const [oldest] = this.#named.keys();
    if (this.#named.size > MAX_NAMED && oldest !== undefined) this.#named.delete(oldest);
    return sandbox;
  }
}
