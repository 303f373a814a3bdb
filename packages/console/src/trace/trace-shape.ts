import type { TraceSpan } from "@sandglass/protocol";
import { criticalPath } from "./critical-path.ts";
import { flameLanes } from "./flame-lanes.ts";
import { spanSubject } from "./span-subject.ts";
import type { SpanTree } from "./span-tree.ts";

/** What a row's number in {@link TraceShape.status} means. */
export const STATUSES = ["ok", "error", "unset", "running"] as const satisfies TraceSpan["status"][];

/**
 * All that is drawn of a trace, a column for each property and a place for each row (parents before children). Numbers in typed arrays cross from
 * the worker in no time; the spans themselves stay there.
 */
export interface TraceShape {
  spanIds: string[];
  names: string[];
  /** What each was about; "" where it does not say. */
  subjects: string[];
  /** Programs that say so, by their `service.name`; "" is the host. */
  services: string[];
  /** Of each row, its place in `services`. */
  service: Uint16Array;
  status: Uint8Array;
  /** 1: told by somebody who may say anything. */
  isForeign: Uint8Array;
  depth: Uint16Array;
  /** Row of the parent; -1 has none. */
  parent: Int32Array;
  /** Milliseconds behind the trace's start. */
  startMs: Float64Array;
  spanMs: Float64Array;
  children: Uint32Array;
  /** Row behind the last of its descendants. */
  end: Uint32Array;
  /** Of the flame view. */
  lane: Uint16Array;
  lanes: number;
  /** Three numbers for each stretch of the critical path: row, from, to; ascending by row. */
  critical: Float64Array;
  durationMs: number;
  /** Unix milliseconds. */
  startTime: number;
  isRunning: boolean;
}

export function shapeOf({ rows, durationMs, startTime }: SpanTree): TraceShape {
  const services = new Map([["", 0]]);
  const shape: TraceShape = {
    spanIds: rows.map(({ span }) => span.spanId),
    names: rows.map(({ span }) => span.name),
    subjects: rows.map(({ span }) => spanSubject(span)),
    services: [],
    service: new Uint16Array(rows.length),
    status: Uint8Array.from(rows, ({ span }) => STATUSES.indexOf(span.status)),
    isForeign: Uint8Array.from(rows, ({ span }) => (span.origin === undefined ? 0 : 1)),
    depth: Uint16Array.from(rows, ({ depth }) => Math.min(depth, 65_535)),
    parent: new Int32Array(rows.length).fill(-1),
    startMs: Float64Array.from(rows, ({ startMs }) => startMs),
    spanMs: Float64Array.from(rows, ({ span }) => span.durationMs),
    children: Uint32Array.from(rows, ({ children }) => children),
    end: Uint32Array.from(rows, ({ end }) => end),
    lane: new Uint16Array(rows.length),
    lanes: 0,
    critical: new Float64Array(),
    durationMs,
    startTime,
    isRunning: rows.some(({ span }) => span.status === "running"),
  };
  const open: number[] = [];
  rows.forEach(({ span, depth }, row) => {
    const name = span.service ?? "";
    if (!services.has(name)) services.set(name, Math.min(services.size, 65_535));
    shape.service[row] = services.get(name) ?? 0;
    open.length = depth;
    shape.parent[row] = open[depth - 1] ?? -1;
    open[depth] = row;
  });
  shape.services = [...services.keys()];
  shape.critical = criticalPath(shape);
  Object.assign(shape, flameLanes(shape));
  return shape;
}

/** Rows that show while the given ones are folded. */
export function visibleRows({ end }: Pick<TraceShape, "end">, folded: ReadonlySet<number>): number[] {
  const visible: number[] = [];
  for (let row = 0; row < end.length; ) {
    visible.push(row);
    row = folded.has(row) ? (end[row] ?? row + 1) : row + 1;
  }
  return visible;
}
