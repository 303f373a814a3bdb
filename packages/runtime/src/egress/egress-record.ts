import type { CallContext, EventDataMap } from "@sandglass/protocol";
import { TokenBucket } from "./token-bucket.ts";

export type EgressEventType = "network.egress" | "network.denied";

/** A span of the sandbox, and where that is in the trace. */
export interface EgressPlace {
  readonly context: CallContext;
  readonly spanId: string;
}

/** The exec that caused something. */
export interface EgressCause extends EgressPlace {
  readonly execId: string;
}

/** Commits an event of the sandbox. */
export type SayEgress = <T extends EgressEventType>(
  type: T,
  data: EventDataMap[T],
  cause: EgressCause | undefined,
) => Promise<void>;

interface Pending {
  type: EgressEventType;
  data: EventDataMap[EgressEventType];
  cause: EgressCause | undefined;
}

/** Events that are told one by one; what comes faster is told together. */
const BURST = 50;
const PER_SECOND = 5;
const FLUSH_EVERY_MS = 5_000;
/** Different things that wait to be told together: with so many, what comes next waits to be decided on. */
const MAX_KINDS = 100;
/** Nobody looked at where these wanted to go. */
const UNDECIDED: ReadonlySet<string> = new Set(["rate_limited", "too_many_connections"]);

/**
 * Tells of what one sandbox reached and what it did not, each of it once, and never so fast that it could flood the record. What was
 * decided on keeps its destination and its exec: there is {@link hasRoom} for it before.
 */
export class EgressRecord {
  readonly #say: SayEgress;
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);
  readonly #pending = new Map<string, Pending>();
  readonly #saying = new Set<Promise<void>>();
  #flushed = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(say: SayEgress) {
    this.#say = say;
  }

  /** Resolves when one more thing can be told with all that is known of it; false where the log takes nothing. */
  async hasRoom(): Promise<boolean> {
    if (this.#pending.size >= MAX_KINDS) await this.#flushed.promise;
    return this.#pending.size < MAX_KINDS;
  }

  tell<T extends EgressEventType>(type: T, data: EventDataMap[T], cause: EgressCause | undefined): void {
    const own = { ...data, ...(cause !== undefined && { execId: cause.execId }) };
    if (this.#bucket.take()) this.#commit({ type, data: own, cause });
    else this.#gather({ type, data: own, cause });
  }

  /** Resolves when all of it is committed. What the log does not take even now is warned of. */
  async end(): Promise<void> {
    this.#flush();
    await Promise.all(this.#saying);
    if (this.#pending.size === 0) return;
    this.#flush();
    await Promise.all(this.#saying);
    clearInterval(this.#timer);
    if (this.#pending.size === 0) return;
    process.emitWarning(`${this.#pending.size} kinds of egress events were not recorded`, {
      code: "SANDGLASS_EGRESS",
    });
  }

  #commit(event: Pending): void {
    const said = this.#say(event.type, event.data as EventDataMap["network.egress"], event.cause).then(
      () => void this.#saying.delete(said),
      () => {
        this.#saying.delete(said);
        this.#gather(event); // the log has no room: it is said with the next
      },
    );
    this.#saying.add(said);
  }

  #gather(event: Pending): void {
    this.#timer ??= setInterval(() => this.#flush(), FLUSH_EVERY_MS).unref();
    const { type, cause } = event;
    const isUndecided = "reason" in event.data && UNDECIDED.has(event.data.reason);
    const isFull = this.#pending.size >= MAX_KINDS && !this.#pending.has(keyOf(event));
    const data = isUndecided && isFull ? { ...event.data, host: "", port: 0 } : event.data;
    const key = keyOf({ type, data, cause });
    const before = this.#pending.get(key)?.data;
    this.#pending.set(key, { type, cause, data: before === undefined ? data : together(before, data) });
  }

  #flush(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const events = [...this.#pending.values()];
    this.#pending.clear();
    for (const event of events) this.#commit(event);
    const { resolve } = this.#flushed;
    this.#flushed = Promise.withResolvers();
    void Promise.all(this.#saying).then(() => resolve());
  }
}

function keyOf({ type, data }: Pending): string {
  const why = "reason" in data ? data.reason : data.error;
  return JSON.stringify([type, data.host, data.port, why, data.execId]);
}

function together(a: Pending["data"], b: Pending["data"]): Pending["data"] {
  const count = (a.count ?? 1) + (b.count ?? 1);
  if (!("bytesIn" in a) || !("bytesIn" in b)) return { ...a, count };
  return {
    ...a,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    durationMs: Math.max(a.durationMs, b.durationMs),
    count,
  };
}
