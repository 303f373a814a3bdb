import type { TelemetryRecord } from "../telemetry-record.ts";
import { type Amount, add, noAmount } from "./amount.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** A request out of the log, in memory. */
export interface HeldRequest {
  readonly position: number;
  readonly items: number;
  readonly sandboxId: string;
  /** Unix time in milliseconds. */
  readonly receivedAt: number;
  readonly body: Buffer;
}

export interface WindowLimits {
  /** What one lane may hold where all together have room. */
  readonly laneBytes: number;
  /** What it may hold in any case, so that no lane waits for what others hold. */
  readonly shareBytes: number;
}

export interface BatchLimits {
  readonly maxBytes: number;
  readonly maxItems: number;
}

/** What a request costs beside its bytes. */
const OVERHEAD_BYTES = 256;

/** Requests of one signal for one destination that are in memory: those that wait, behind those that are being sent. */
export class LaneWindow {
  readonly #budget: MemoryBudget;
  readonly #limits: WindowLimits;
  #sending: HeldRequest[] = [];
  #waiting: HeldRequest[] = [];
  readonly #sendingAmount = noAmount();
  readonly #waitingAmount = noAmount();
  #bytes = 0;
  /** Of the request that there was no room for last. */
  #neededBytes = 0;
  /** Whether only as much is held as shows that the destination works again. */
  isProbing = false;

  constructor(budget: MemoryBudget, limits: WindowLimits) {
    this.#budget = budget;
    this.#limits = limits;
  }

  /** The oldest that is not settled. */
  get first(): HeldRequest | undefined {
    return this.#sending[0] ?? this.#waiting[0];
  }

  get isEmpty(): boolean {
    return this.#sending.length + this.#waiting.length === 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get sendingAmount(): Readonly<Amount> {
    return this.#sendingAmount;
  }

  get waitingAmount(): Readonly<Amount> {
    return this.#waitingAmount;
  }

  /** Whether reading more is worth it: there is room for a good part of what it may hold, and for what there was none for last. */
  get wantsMore(): boolean {
    return this.#bytes <= this.#laneBytes / 2 && this.#fits(this.#neededBytes);
  }

  /** False where there is no room. */
  push(position: number, { items, sandboxId, receivedAt, body }: TelemetryRecord): boolean {
    const bytes = body.length + OVERHEAD_BYTES;
    if (!this.#fits(bytes)) {
      this.#neededBytes = bytes;
      return false;
    }
    this.#neededBytes = 0;
    // A copy: the chunk that it was read with would stay in memory as a whole.
    this.#waiting.push({ position, items, sandboxId, receivedAt, body: Buffer.from(body) });
    this.#bytes += bytes;
    this.#budget.take(bytes);
    add(this.#waitingAmount, { requests: 1, items });
    return true;
  }

  /** Those to be sent next, as one; at least one where any waits. They count as being sent until they are settled. */
  take({ maxBytes, maxItems }: BatchLimits): readonly HeldRequest[] {
    let count = 0;
    let bytes = 0;
    let items = 0;
    for (const request of this.#waiting) {
      bytes += request.body.length;
      items += request.items;
      if (count > 0 && (bytes > maxBytes || items > maxItems)) break;
      count += 1;
    }
    const batch = this.#waiting.splice(0, count);
    for (const request of batch) this.#sending.push(request);
    move(batch, this.#waitingAmount, this.#sendingAmount);
    return batch;
  }

  /** The first `count` of those that are being sent are dealt with. */
  settle(count: number): void {
    this.#release(this.#sending.splice(0, count), this.#sendingAmount);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#release(this.#sending, this.#sendingAmount);
    this.#release(this.#waiting, this.#waitingAmount);
    this.#sending = [];
    this.#waiting = [];
    this.#neededBytes = 0;
  }

  get #laneBytes(): number {
    return this.isProbing ? this.#limits.shareBytes : this.#limits.laneBytes;
  }

  #fits(bytes: number): boolean {
    const total = this.#bytes + bytes;
    if (total <= this.#limits.shareBytes) return true;
    // One that is larger than a lane may hold is held alone.
    if (this.#bytes > 0 && total > this.#laneBytes) return false;
    return this.#budget.hasRoom(bytes);
  }

  #release(requests: readonly HeldRequest[], from: Amount): void {
    for (const { body } of requests) {
      this.#bytes -= body.length + OVERHEAD_BYTES;
      this.#budget.give(body.length + OVERHEAD_BYTES);
    }
    move(requests, from);
  }
}

function move(requests: readonly HeldRequest[], from: Amount, to?: Amount): void {
  const amount = amountOf(requests);
  from.requests -= amount.requests;
  from.items -= amount.items;
  if (to !== undefined) add(to, amount);
}

export function amountOf(requests: readonly HeldRequest[]): Amount {
  const amount = noAmount();
  for (const { items } of requests) add(amount, { requests: 1, items });
  return amount;
}
