import { TokenBucket } from "../otlp/receiver/token-bucket.ts";
import { RecentMap } from "../projections/otel-recent-map.ts";

/** What is read of one sandbox, and of all together: some agents' telemetry, and a small part of one core. */
const BYTES_PER_SECOND = 1024 * 1024;
const ALL_BYTES_PER_SECOND = 4 * 1024 * 1024;
/** Of one record: decoded, hostile ones take a hundred times as much memory, and would use up what there is for all. */
const MAX_RECORD_BYTES = 2 * 1024 * 1024;
const MAX_SANDBOXES = 1000;

/**
 * Says how much of sandboxes' telemetry is looked into. Reading it costs a hundred times what relaying it costs, and a sandbox may send
 * spans of models as fast as it likes.
 */
export class SandboxBudget {
  readonly #all = new TokenBucket();
  readonly #buckets = new RecentMap<TokenBucket>(MAX_SANDBOXES);
  #now = 0;

  /** Whether so many bytes may be read now; they count as read then. @param nowMs any clock; backward steps are smoothed over */
  take(sandboxId: string, bytes: number, nowMs: number): boolean {
    if (bytes > MAX_RECORD_BYTES) return false;
    this.#now = Math.max(this.#now, nowMs);
    let own = this.#buckets.get(sandboxId);
    if (own === undefined) {
      own = new TokenBucket();
      this.#buckets.set(sandboxId, own);
    }
    if (own.waitFor(bytes, BYTES_PER_SECOND, this.#now) > 0) return false;
    if (this.#all.waitFor(bytes, ALL_BYTES_PER_SECOND, this.#now) > 0) return false;
    own.spend(bytes, BYTES_PER_SECOND, this.#now);
    this.#all.spend(bytes, ALL_BYTES_PER_SECOND, this.#now);
    return true;
  }
}
