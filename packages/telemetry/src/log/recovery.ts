import { closeSync, openSync, readdirSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { FrameScanner, findMarker } from "./frame.ts";
import { ERASING_SUFFIX } from "./log-eraser.ts";
import type { LogProblem, LogRecovery } from "./log-options.ts";
import { openSegment, parseSegmentName, SEGMENT_HEADER_BYTES, type Segment } from "./segment.ts";

const CHUNK_BYTES = 1024 * 1024;

export interface RecoveredLog {
  /** Oldest first; all but the last are sealed. */
  segments: Segment[];
  nextPosition: number;
  /** The last segment can be appended to. */
  canContinue: boolean;
  recovery: LogRecovery;
}

/**
 * Finds the segments of a log and the end of its last one. What a crash tore is left out of `sizeBytes` (and thereby
 * cut away by the writer), what rotted in the middle is counted. Throws LOG_UNAVAILABLE for an unknown format version only.
 */
export function recoverLog(dir: string, report: (problem: LogProblem) => void, seed = 0): RecoveredLog {
  const segments: Segment[] = [];
  let isLastHeaderDamaged = false;
  for (const name of readdirSync(dir).sort()) {
    // A crash came while it was written: what it was to replace is whole.
    if (name.endsWith(ERASING_SUFFIX)) unlinkSync(join(dir, name));
    const firstPosition = parseSegmentName(name);
    if (firstPosition === undefined) continue;
    const { segment, isHeaderDamaged } = openSegment(join(dir, name), firstPosition);
    if (isHeaderDamaged && segment.sizeBytes >= SEGMENT_HEADER_BYTES)
      report({ kind: "header_damaged", segment: segment.path });
    const previous = segments.at(-1);
    if (previous) previous.lastPosition = firstPosition - 1;
    segments.push(segment);
    isLastHeaderDamaged = isHeaderDamaged;
  }
  const recovery: LogRecovery = { truncatedBytes: 0, corruptRecords: 0 };
  const last = segments.at(-1);
  if (!last) return { segments, nextPosition: 1, canContinue: false, recovery };
  if (last.sizeBytes < SEGMENT_HEADER_BYTES) {
    // A crash came between making the file and writing its header: nothing was ever in it.
    recovery.truncatedBytes = last.sizeBytes;
    unlinkSync(last.path);
    segments.pop();
    return { segments, nextPosition: last.firstPosition, canContinue: false, recovery };
  }
  const nextPosition = scanLastSegment(last, recovery, report, seed);
  return { segments, nextPosition, canContinue: !isLastHeaderDamaged, recovery };
}

/** Walks the records, sets the sizes to the end of the last whole one, and returns the position behind it. */
function scanLastSegment(
  segment: Segment,
  recovery: LogRecovery,
  report: (problem: LogProblem) => void,
  seed: number,
): number {
  const scanner = new FrameScanner(seed);
  let nextPosition = segment.firstPosition;
  let validEnd = SEGMENT_HEADER_BYTES;
  let offset = SEGMENT_HEADER_BYTES;
  let buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const fd = openSync(segment.path, "r");
  try {
    while (offset < segment.sizeBytes) {
      const length = readSync(fd, buffer, 0, Math.min(buffer.length, segment.sizeBytes - offset), offset);
      if (length === 0) break;
      const isAtEnd = offset + length >= segment.sizeBytes;
      let at = 0;
      while (at < length) {
        const status = scanner.scan(buffer, at, length);
        if (status === "record") {
          if (scanner.position > nextPosition) {
            recovery.corruptRecords += scanner.position - nextPosition;
            report({ kind: "corrupt", segment: segment.path, from: nextPosition, to: scanner.position - 1 });
          }
          segment.note(scanner.position, offset + at);
          nextPosition = Math.max(nextPosition, scanner.position + 1);
          at = scanner.payloadEnd;
          validEnd = offset + at;
          continue;
        }
        if (status === "short" && !isAtEnd) break;
        const marker = findMarker(buffer, at + 1, length);
        at = marker === -1 ? Math.max(at + 1, length - 3) : marker;
      }
      offset += at;
      if (at === 0 && scanner.neededBytes > buffer.length)
        buffer = Buffer.allocUnsafeSlow(scanner.neededBytes);
    }
  } finally {
    closeSync(fd);
  }
  const tornBytes = segment.sizeBytes - validEnd;
  if (tornBytes > 0) {
    recovery.truncatedBytes = tornBytes;
    report({ kind: "truncated", segment: segment.path, bytes: tornBytes });
  }
  segment.sizeBytes = validEnd;
  segment.readableBytes = validEnd;
  return nextPosition;
}
