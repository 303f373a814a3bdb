import { TokenBucket } from "../otlp/receiver/token-bucket.ts";
import { RecentMap } from "../projections/otel-recent-map.ts";

/** What is read of one sandbox, and of all together: some agents' telemetry, and a small part of one core. */
const BYTES_PER_SECOND = 1024 * 1024;
const ALL_BYTES_PER_SECOND = 4 * 1024 * 1024;
/** Of one record: decoded, hostile ones take a hundred times as much memory, and would use up what there is for all. */
const MAX_RECORD_BYTES = 2 * 1024 * 1024;
const MAX_SANDBOXES = 1000;
/** Who had something to read in this time has a share of what all may have. */
const PERIOD_MS = 1_000;

interface Account {
  /** What it may have at most. */
  readonly own: TokenBucket;
  /** What it has whatever others want. */
  readonly share: TokenBucket;
  /** The last period in which it had something to read. */
  period: number;
}

/**
 * Says how much of sandboxes' telemetry is looked into. Reading it costs a hundred times what relaying it costs, and a sandbox may send
 * spans of models as fast as it likes. What all may have is divided by those who want some: each has its share for sure, and what the
 * others leave.
 */
export class SandboxBudget {
  readonly #all = new TokenBucket();
  readonly #accounts = new RecentMap<Account>(MAX_SANDBOXES);
  #now = 0;
  #period = 0;
  /** Sandboxes that had something to read in this period and in the one before. */
  #active = 0;
  #activeBefore = 0;

  /** Whether so many bytes may be read now; they count as read then. @param nowMs any clock; backward steps are smoothed over */
  take(sandboxId: string, bytes: number, nowMs: number): boolean {
    if (bytes > MAX_RECORD_BYTES) return false;
    this.#now = Math.max(this.#now, nowMs);
    const { own, share } = this.#accountOf(sandboxId);
    const now = this.#now;
    const perSecond = ALL_BYTES_PER_SECOND / Math.max(1, this.#active, this.#activeBefore);
    if (own.waitFor(bytes, BYTES_PER_SECOND, now) > 0) return false;
    // A share is not borrowed from: who has a large record to be read is among those who take what is left.
    const isShare = bytes <= perSecond && share.waitFor(bytes, perSecond, now) === 0;
    if (!isShare && this.#all.waitFor(bytes, ALL_BYTES_PER_SECOND, now) > 0) return false;
    own.spend(bytes, BYTES_PER_SECOND, now);
    if (isShare) share.spend(bytes, perSecond, now);
    this.#all.spend(bytes, ALL_BYTES_PER_SECOND, now);
    return true;
  }

  #accountOf(sandboxId: string): Account {
    const period = Math.floor(this.#now / PERIOD_MS);
    if (period !== this.#period) {
      this.#activeBefore = period === this.#period + 1 ? this.#active : 0;
      this.#active = 0;
      this.#period = period;
    }
    let account = this.#accounts.get(sandboxId);
    if (account === undefined) {
      account = { own: new TokenBucket(), share: new TokenBucket(), period: -1 };
      this.#accounts.set(sandboxId, account);
    }
    if (account.period !== period) this.#active += 1;
    account.period = period;
    return account;
  }
}
