import { hash } from "node:crypto";
import { type RouteName, SandglassError } from "@sandglass/protocol";
import type { Answer, AnyHandler, Call } from "./call.ts";
import { IdempotencyJournal, type JournalEntry, type Reference } from "./idempotency-journal.ts";

/** How long a key is known. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** Keys known at once; beyond it the oldest is forgotten. */
const MAX_KEYS = 10_000;
const VALID_KEY = /^[\x21-\x7e]{1,255}$/;

/** How the answer of a route that makes something lasting is found again from what it made. */
export interface Replay {
  reference(answer: unknown, call: Call<RouteName>): Reference;
  answer(reference: Reference, call: Call<RouteName>): unknown;
}

/** The request as the key stands for it. */
interface KeyedRequest {
  key: string;
  path: string;
  body: string;
}

interface Entry {
  fingerprint: string;
  at: number;
  outcome: Promise<Outcome>;
}
type Outcome = { answer: unknown } | { reference: Reference };

/**
 * Makes a retried POST run nothing twice: per organisation and route, a key seen again with the same request gets the answer of
 * the first (also while that one is under way), with another request a conflict.
 *
 * Creates and execs are remembered by what they made, on disk too, so that a retry finds it after a restart of the daemon; their
 * answers are made anew from it, so a sandbox is described as it is by then. Other answers are kept in memory alone. A request that failed
 * ran nothing, and its key is free again.
 */
export class Idempotency {
  readonly #entries = new Map<string, Entry>();
  readonly #replays: Readonly<Partial<Record<RouteName, Replay>>>;
  readonly #journal: IdempotencyJournal;

  private constructor(replays: Readonly<Partial<Record<RouteName, Replay>>>, journal: IdempotencyJournal) {
    this.#replays = replays;
    this.#journal = journal;
  }

  /** @param replays of the routes whose outcome outlives the daemon's memory */
  static async open(
    dataDir: string,
    replays: Readonly<Partial<Record<RouteName, Replay>>>,
    onError: (error: unknown) => void,
  ): Promise<Idempotency> {
    const { journal, entries } = await IdempotencyJournal.open(
      dataDir,
      Date.now() - KEY_LIFETIME_MS,
      MAX_KEYS,
      onError,
    );
    const idempotency = new Idempotency(replays, journal);
    for (const { id, fingerprint, at, reference } of entries) {
      idempotency.#entries.set(id, { fingerprint, at, outcome: Promise.resolve({ reference }) });
    }
    return idempotency;
  }

  /**
   * @throws SandglassError IDEMPOTENCY_CONFLICT where the key came with another request before; INVALID_REQUEST for a malformed key;
   *   what the handler throws
   */
  async run<N extends RouteName>(
    name: N,
    call: Call<N>,
    request: KeyedRequest,
    handler: AnyHandler,
  ): Promise<{ answer: unknown; isReplay: boolean }> {
    if (!VALID_KEY.test(request.key)) {
      throw new SandglassError(
        "INVALID_REQUEST",
        "Idempotency-Key has to be 1 to 255 visible ASCII characters",
      );
    }
    const anyCall = call as Call<RouteName>;
    // Hashed, so that neither the journal nor memory keeps what callers put into their keys.
    const id = hash("sha256", `${call.context.orgId}\n${name}\n${request.key}`, "base64url");
    const fingerprint = hash("sha256", `${request.path}\n${request.body}`, "base64url");
    const known = this.#find(id);
    if (known === undefined)
      return { answer: await this.#runFirst(id, fingerprint, name, anyCall, handler), isReplay: false };
    if (known.fingerprint !== fingerprint) {
      throw new SandglassError(
        "IDEMPOTENCY_CONFLICT",
        "this Idempotency-Key came with a different request before",
        {
          hint: "use a new key for a new request",
        },
      );
    }
    const outcome = await known.outcome;
    const replay = this.#replays[name];
    if ("answer" in outcome || replay === undefined)
      return { answer: "answer" in outcome ? outcome.answer : {}, isReplay: true };
    return { answer: await replay.answer(outcome.reference, anyCall), isReplay: true };
  }

  /** Writes out what is on its way to the disk. */
  close(): Promise<void> {
    return this.#journal.close();
  }

  async #runFirst(
    id: string,
    fingerprint: string,
    name: RouteName,
    call: Call<RouteName>,
    handler: AnyHandler,
  ): Promise<Answer<RouteName>> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    // A failure is for the requests that wait here, and there may be none.
    promise.catch(() => undefined);
    const at = Date.now();
    this.#entries.set(id, { fingerprint, at, outcome: promise });
    this.#forgetOldest();
    try {
      const answer = await handler(call);
      const reference = this.#replays[name]?.reference(answer, call);
      if (reference === undefined) resolve({ answer });
      else {
        resolve({ reference });
        this.#journal.append({ id, fingerprint, at, reference } satisfies JournalEntry);
      }
      return answer;
    } catch (error) {
      this.#entries.delete(id);
      reject(error);
      throw error;
    }
  }

  #find(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.at > Date.now() - KEY_LIFETIME_MS) return entry;
    this.#entries.delete(id);
    return undefined;
  }

  #forgetOldest(): void {
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > MAX_KEYS && oldest.done !== true) this.#entries.delete(oldest.value);
  }
}
