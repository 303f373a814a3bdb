import { addCounts, addEach } from "../otlp/receiver/add-counts.ts";
import { emptyCounts } from "../otlp/receiver/tenant-account.ts";
import type { CollectorSnapshot, RelayInfo } from "./messages.ts";
import { nothingSent, sumOfSent } from "./sent-items.ts";

/** What a collector counts before it has told anything. */
export const NOTHING_YET: CollectorSnapshot = {
  received: { http: emptyCounts(), grpc: emptyCounts() },
  log: { bytes: 0, appended: 0, lastPosition: 0, oldestPosition: 0 },
  relays: [],
  forwarding: {
    ...{ destinations: 0, stalled: 0, accepted: 0, delivered: 0, queued: 0, dropped: {} },
    items: nothingSent(),
  },
  derived: { events: {}, unknownModels: {}, skipped: 0, malformed: 0 },
  cpuMs: 0,
  rssBytes: 0,
};

/**
 * What the collector's processes counted, one after the other: nothing that only goes up ever goes down, for who reads metrics takes
 * that for a counter that began anew. What a process counted in its last tenth of a second, and did not live to tell, is missing.
 */
export class CollectorTotals {
  /** Of those that have ended. */
  #before = NOTHING_YET;
  #last = NOTHING_YET;
  /** Requests for owners' endpoints that were settled between the last that a process told and its end. */
  #untold = 0;
  /** Nothing was heard yet of the process that there is. */
  #isFirst = false;
  readonly #turnedAway: Record<string, number> = {};

  /** The latest of the process that there is. */
  hear(snapshot: CollectorSnapshot): void {
    if (this.#isFirst) {
      // What waited and does not any more was settled by the process before, which did not live to tell.
      this.#untold = Math.max(0, this.#before.forwarding.queued - snapshot.forwarding.accepted);
    }
    this.#isFirst = false;
    this.#last = snapshot;
  }

  /** A process takes the place of one. */
  began(): void {
    const { log, relays, forwarding } = this.#last;
    this.#before = this.#total();
    this.#untold = 0;
    this.#isFirst = true;
    // Where destinations are is in the log: until the process tells it is where it was.
    this.#last = {
      ...NOTHING_YET,
      log: { ...log, appended: 0 },
      relays: relays.map((relay) => ({ ...relay, failedAttempts: 0, items: nothingSent() })),
      forwarding: {
        ...forwarding,
        ...{ accepted: forwarding.queued, delivered: 0, dropped: {}, items: nothingSent() },
      },
    };
  }

  /** A request that the daemon turned away, by reason, before it came to the process. */
  refused(reason: string): void {
    addEach(this.#turnedAway, { [reason]: 1 });
  }

  /** A destination that is not there any more; one of the same name begins anew. */
  forget(id: string): void {
    this.#before = { ...this.#before, relays: this.#before.relays.filter((relay) => relay.id !== id) };
  }

  #total(): CollectorSnapshot {
    const [before, last] = [this.#before, this.#last];
    return {
      ...last,
      received: sumOfReceived(before, last),
      log: { ...last.log, appended: before.log.appended + last.log.appended },
      relays: last.relays.map((relay) => continued(relay, before.relays)),
      forwarding: {
        ...last.forwarding,
        // What waits is counted again by the next.
        accepted:
          before.forwarding.accepted - before.forwarding.queued + this.#untold + last.forwarding.accepted,
        delivered: before.forwarding.delivered + this.#untold + last.forwarding.delivered,
        dropped: sumOf(before.forwarding.dropped, last.forwarding.dropped),
        items: sumOfSent(before.forwarding.items, last.forwarding.items),
      },
      derived: {
        events: sumOf(before.derived.events, last.derived.events),
        unknownModels: sumOf(before.derived.unknownModels, last.derived.unknownModels),
        skipped: before.derived.skipped + last.derived.skipped,
        malformed: before.derived.malformed + last.derived.malformed,
      },
      cpuMs: before.cpuMs + last.cpuMs,
    };
  }

  /** With what the daemon turned away; not in what {@link CollectorTotals.began} keeps, where it would be counted twice. */
  snapshot(): CollectorSnapshot {
    const total = this.#total();
    addEach(total.received.http.refused, this.#turnedAway);
    return total;
  }
}

function sumOfReceived(a: CollectorSnapshot, b: CollectorSnapshot): CollectorSnapshot["received"] {
  const received = structuredClone(a.received);
  addCounts(received.http, b.received.http);
  addCounts(received.grpc, b.received.grpc);
  return received;
}

/**
 * What is kept with the cursor goes on from there, which may be a moment before the end of a process that was killed. What it delivered
 * since is delivered again; it counts as delivered all the while, so that the accounts add up and nothing goes down.
 */
function continued(relay: RelayInfo, before: readonly RelayInfo[]): RelayInfo {
  const known = before.find(({ id }) => id === relay.id);
  if (known === undefined) return relay;
  const { counts } = relay;
  const dropped = { ...counts.dropped };
  for (const [reason, count] of Object.entries(known.counts.dropped)) {
    dropped[reason] = Math.max(dropped[reason] ?? 0, count);
  }
  const delivered = Math.max(known.counts.delivered, counts.delivered);
  const filtered = Math.max(known.counts.filtered, counts.filtered);
  const settled = Object.values(dropped).reduce((sum, count) => sum + count, delivered + filtered);
  const accepted = Math.max(known.counts.accepted, counts.accepted, settled);
  const inFlight = Math.min(counts.inFlight, accepted - settled);
  return {
    ...relay,
    failedAttempts: known.failedAttempts + relay.failedAttempts,
    items: sumOfSent(known.items, relay.items),
    counts: { accepted, delivered, filtered, dropped, inFlight, queued: accepted - settled - inFlight },
  };
}

function sumOf(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  addEach(sum, b);
  return sum;
}
