import type { Segment } from "./segment.ts";

/** How much is kept. What is left out does not limit. Only whole segments go, never the one being written. */
export interface Retention {
  /** Hard: the oldest segment goes when the log is larger, read or not. */
  maxBytes?: number;
  /** Soft: a segment goes when its last record is older than this, in milliseconds, and every reader is past it. */
  maxAgeMs?: number;
}

/** Someone whose unread records are kept as long as the limits let. */
export interface RetentionReader {
  readonly name: string;
  /** First position it has not read. */
  readonly nextPosition: number;
}

/** How many of the oldest `segments` have to go. */
export function countExpired(
  segments: readonly Segment[],
  readers: Iterable<RetentionReader>,
  retention: Retention,
  nowMs: number,
): number {
  const maxBytes = retention.maxBytes ?? Number.POSITIVE_INFINITY;
  const maxAgeMs = retention.maxAgeMs ?? Number.POSITIVE_INFINITY;
  let total = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  let lowestUnread = Number.POSITIVE_INFINITY;
  for (const reader of readers) lowestUnread = Math.min(lowestUnread, reader.nextPosition);
  let count = 0;
  let begunMs = segments[0]?.createdAt ?? 0;
  while (count < segments.length - 1) {
    const segment = segments[count]!;
    // The next segment was begun when this one was full: its records are at least as old.
    const next = segments[count + 1]!;
    const isTooMuch = total > maxBytes;
    // And not before those in front of it, though a clock that was set back may have said so.
    begunMs = Math.max(begunMs, next.createdAt);
    const isTooOld = nowMs - begunMs > maxAgeMs && lowestUnread >= next.firstPosition;
    if (!isTooMuch && !isTooOld) break;
    total -= segment.sizeBytes;
    count += 1;
  }
  return count;
}
