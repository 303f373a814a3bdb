import type { Signal } from "../model.ts";
import type { Encoding } from "./export-answer.ts";
import type { Refusal, RefusalReason } from "./intake.ts";
import type { IntakeLimits } from "./intake-limits.ts";
import type { Tenant, Transport } from "./tenant.ts";
import type { TenantAccount } from "./tenant-account.ts";

/** What a request costs beside its body, so that many empty ones are not for nothing: its headers, and its place in memory. */
export const REQUEST_OVERHEAD_BYTES = 2048;
/** What one piece of a body costs that comes in pieces of its sender's choice, which may have a byte each. */
export const PIECE_OVERHEAD_BYTES = 256;
/** When to come again where nothing tells how long it will take. */
export const RETRY_MS = 1000;
/** Nobody is told to stay away for longer. */
const LONGEST_RETRY_MS = 60_000;
/** What zlib takes for it, on a thread of its own. */
const INFLATE_MS_PER_BYTE = 4 / (1024 * 1024);

/** What all tenants have together. */
export interface SharedIntake {
  readonly limits: IntakeLimits;
  /** Bytes in flight. */
  heldBytes: number;
  /** Any clock in milliseconds that only goes forward. */
  now(): number;
  /** A request of this account is over. */
  onOver(account: TenantAccount): void;
}

/**
 * One request's leave to be read, and the memory it may take for it. It ends exactly once: by `RequestIntake.accept`, by a refusal,
 * which every method that returns one has then counted, or by {@link abort}. After that all methods but for {@link receive} and
 * {@link hold} do nothing.
 */
export class RequestPermit {
  readonly tenant: Tenant;
  readonly account: TenantAccount;
  readonly transport: Transport;
  readonly #shared: SharedIntake;
  #wireBytes = 0;
  #inflatedBytes = 0;
  #heldBytes = 0;
  #isOver = false;

  constructor(tenant: Tenant, account: TenantAccount, transport: Transport, shared: SharedIntake) {
    this.tenant = tenant;
    this.account = account;
    this.transport = transport;
    this.#shared = shared;
    account.requests++;
  }

  /** Of the body, so far. */
  get wireBytes(): number {
    return this.#wireBytes;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** How large the inflated body may be. */
  maxInflatedBytes(encoding: Encoding): number {
    const { maxInflatedBytes, maxJsonBytes } = this.#shared.limits;
    return encoding === "json" ? Math.min(maxJsonBytes, maxInflatedBytes) : maxInflatedBytes;
  }

  /**
   * Before that many bytes of the body are taken off the wire: all of it where its length is known, else piece by piece. The first time
   * it also takes what every request costs.
   */
  receive(bytes: number): Refusal | undefined {
    const { maxRequestBytes } = this.#shared.limits;
    const { bytesPerSecond } = this.tenant.limits;
    const now = this.#shared.now();
    if (this.#wireBytes + bytes > maxRequestBytes) {
      return this.refuse("too_large", `the request has more than ${maxRequestBytes} bytes`);
    }
    const cost = this.#heldBytes === 0 ? bytes + REQUEST_OVERHEAD_BYTES : bytes;
    const refusal = this.#take(cost);
    if (refusal !== undefined) return refusal;
    const waitMs = this.account.bytes.waitFor(cost, bytesPerSecond, now);
    if (waitMs > 0)
      return this.refuse("rate_limited", "more bytes a second than this sender may send", waitMs);
    this.#spendBytes(cost);
    this.#wireBytes += bytes;
    return undefined;
  }

  /** As {@link receive}, and takes what every piece costs. */
  receivePiece(bytes: number): Refusal | undefined {
    const refusal = this.receive(bytes);
    if (refusal === undefined) this.#spendBytes(PIECE_OVERHEAD_BYTES);
    return refusal;
  }

  /**
   * Before the body takes that much more memory than what came over the wire: by being inflated. What it is more than that counts as
   * sent, for it is what has to be kept; the next requests wait for it.
   */
  hold(bytes: number): Refusal | undefined {
    this.spendWork(bytes * INFLATE_MS_PER_BYTE);
    const before = Math.max(this.#wireBytes, this.#inflatedBytes);
    this.#inflatedBytes += bytes;
    if (this.#inflatedBytes > before) this.#spendBytes(this.#inflatedBytes - before);
    return this.#take(bytes);
  }

  /** Takes processor time off what the sender may use, whether it has it or not. */
  spendWork(ms: number): void {
    this.account.work.spend(ms, this.#shared.limits.workMsPerSecond, this.#shared.now());
  }

  /** Ends it with a refusal. */
  refuse(reason: RefusalReason, message: string, retryAfterMs?: number): Refusal {
    if (!this.#isOver) this.account.refused(reason, this.transport);
    this.#release();
    if (retryAfterMs === undefined) return { status: "refused", reason, message };
    const whole = Math.min(LONGEST_RETRY_MS, Math.max(1, Math.ceil(retryAfterMs)));
    return { status: "refused", reason, message, retryAfterMs: whole };
  }

  /** Ends it where its sender went away or took too long, which is counted under that name. */
  abort(reason: "aborted" | "timed_out"): void {
    if (!this.#isOver) this.account.refused(reason, this.transport);
    this.#release();
  }

  /** Ends it with a yes. */
  accepted(signal: Signal, items: number): void {
    const counts = this.account.counts[this.transport];
    counts.requests++;
    counts.bytes += this.#wireBytes;
    if (signal === "traces") counts.spans += items;
    else if (signal === "logs") counts.logRecords += items;
    else counts.dataPoints += items;
    this.#release();
  }

  #release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.account.heldBytes -= this.#heldBytes;
    this.#shared.heldBytes -= this.#heldBytes;
    this.account.requests--;
    this.#shared.onOver(this.account);
  }

  #spendBytes(bytes: number): void {
    this.account.bytes.spend(bytes, this.tenant.limits.bytesPerSecond, this.#shared.now());
  }

  #take(bytes: number): Refusal | undefined {
    const { totalInFlightBytes } = this.#shared.limits;
    const { inFlightBytes } = this.tenant.limits;
    const { heldBytes } = this.account;
    const alone = this.#heldBytes + bytes;
    // Else it would be tried again for ever.
    if (alone > inFlightBytes || alone > totalInFlightBytes) {
      return this.refuse("too_large", "the request takes more memory than this sender may use");
    }
    if (heldBytes + bytes > inFlightBytes) {
      return this.refuse("in_flight", "too many requests of this sender at once", RETRY_MS);
    }
    // Nobody may hold more than what is then still free. However many want all there is, some is left for whoever comes next
    // (Choudhury and Hahne, "Dynamic queue length thresholds").
    if (heldBytes + bytes > totalInFlightBytes - this.#shared.heldBytes) {
      return this.refuse("overloaded", "too many requests at once", RETRY_MS);
    }
    this.#heldBytes += bytes;
    this.account.heldBytes += bytes;
    this.#shared.heldBytes += bytes;
    return undefined;
  }
}
