import type { TraceSpan } from "@sandglass/protocol";
import type { TraceShape } from "./trace-shape.ts";

/** What the page asks of the worker that holds a trace; each is answered with the same `id`. */
export type TraceQuestion =
  /** JSON of `GET /v1/traces/{traceId}`, in UTF-8. */
  | { kind: "load"; json: ArrayBuffer }
  | { kind: "span"; row: number }
  /** In any case, in names, services and attributes. */
  | { kind: "search"; text: string };

export interface TraceAnswers {
  load: TraceShape;
  span: TraceSpan | undefined;
  /** Rows, ascending. */
  search: number[];
}

export type Asked = TraceQuestion & { id: number };
export type Answered =
  | { id: number; value: TraceAnswers[keyof TraceAnswers] }
  | { id: number; error: string };
