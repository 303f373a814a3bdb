import { compileFilter, type EventFilter, type GapLine, type RuntimeEvent } from "@sandglass/protocol";
import type { DurableLog } from "../log/durable-log.ts";
import type { LogGap } from "../log/log-reader.ts";
import { decodeCursor, encodeCursor } from "./event-cursor.ts";
import { EventNeedles } from "./event-needles.ts";
import { parseEvent } from "./parse-event.ts";

export interface RecordQuery {
  /** Cursor of the last line that was read; absent: from the oldest event. */
  after?: string;
  filter?: EventFilter;
  /** Absent: of every organisation, and the host's own. */
  orgId?: string;
  sandboxId?: string;
  runId?: string;
  traceId?: string;
  /** Waits for more at the end; ends by the signal, the limit, or when the record is closed. Default false. */
  follow?: boolean;
  signal?: AbortSignal;
  /** At most this many events; gaps do not count. */
  limit?: number;
}

/** An event, as it is in the log and parsed. */
export interface RecordedEvent {
  cursor: string;
  json: string;
  event: RuntimeEvent;
  gap?: undefined;
}
/** Positions of the log that cannot be read any more, both inclusive; events of anyone may have been there. */
export interface RecordedGap {
  cursor: string;
  /** A `GapLine` of the protocol, without its cursor. */
  json: string;
  gap: LogGap["gap"];
  event?: undefined;
}
export type RecordLine = RecordedEvent | RecordedGap;

/** What the caller knows about the events it wants; makes the search quicker, and is not tested exactly. */
export interface QueryHints {
  /** None is before this position. */
  earliest?: number | undefined;
  /** All are of this exec. */
  execId?: string | undefined;
}

/**
 * Reads events out of the log. Throws INVALID_CURSOR and INVALID_REQUEST (a filter that can match nothing) at once, not
 * at the first line.
 */
export function readRecord(
  log: DurableLog,
  query: RecordQuery,
  hints: QueryHints = {},
): AsyncGenerator<RecordLine, void, undefined> {
  const { after, filter = {} } = query;
  const { earliest, execId } = hints;
  const from =
    after === undefined ? (earliest ?? log.oldestPosition) : decodeCursor(after, log.lastPosition) + 1;
  return lines(
    log,
    query,
    from,
    compileFilter(filter),
    new EventNeedles({ execId, ...fieldsOf(query) }, filter),
  );
}

async function* lines(
  log: DurableLog,
  query: RecordQuery,
  from: number,
  passes: (event: RuntimeEvent) => boolean,
  needles: EventNeedles,
): AsyncGenerator<RecordLine, void, undefined> {
  const { follow = false, signal, limit = Number.POSITIVE_INFINITY } = query;
  if (limit <= 0) return;
  const fields = Object.entries(fieldsOf(query)).filter(([, value]) => value !== undefined);
  let count = 0;
  for await (const items of log.readBatches({ from, follow, ...(signal && { signal }) })) {
    if (!needles.mayMatchAny(items)) continue;
    for (const item of items) {
      if ("gap" in item) {
        // Deleted on purpose is not lost.
        if (item.gap.reason !== "deleted") yield gapLine(item.gap);
        continue;
      }
      if (signal?.aborted) return;
      if (!needles.mayMatch(item.payload)) continue;
      const json = item.payload.toString("utf8");
      const event = parseEvent(json);
      if (!event) {
        yield gapLine({ from: item.position, to: item.position, reason: "corrupt" });
        continue;
      }
      const envelope = event as unknown as Record<string, unknown>;
      if (!fields.every(([name, value]) => envelope[name] === value) || !passes(event)) continue;
      yield { cursor: encodeCursor(item.position), json, event };
      count += 1;
      if (count >= limit) return;
    }
  }
}

function gapLine(gap: LogGap["gap"]): RecordedGap {
  const { from: fromPosition, to: toPosition, reason } = gap;
  const json = JSON.stringify({ type: "gap", fromPosition, toPosition, reason } satisfies Omit<
    GapLine,
    "cursor"
  >);
  return { cursor: encodeCursor(toPosition), json, gap };
}

function fieldsOf({ orgId, sandboxId, runId, traceId }: RecordQuery): Record<string, string | undefined> {
  // The longest and rarest first: it is what keeps most events out.
  return { traceId, sandboxId, runId, orgId };
}
