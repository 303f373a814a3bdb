import type { TraceSpan } from "@sandglass/protocol";
import { useEffect, useState } from "react";
import { call } from "../api/api.ts";
import { TraceReader } from "../trace/trace-reader.ts";
import type { TraceShape } from "../trace/trace-shape.ts";

const LIVE_MS = 2_000;

export interface LoadedTrace {
  reader: TraceReader | undefined;
  shape: TraceShape | undefined;
  error: Error | undefined;
}

/**
 * A trace, read and laid out by a worker.
 *
 * @param isLive reads it again while a span of it is running
 */
export function useTrace(traceId: string, isLive: boolean): LoadedTrace {
  const [loaded, setLoaded] = useState<LoadedTrace>({
    reader: undefined,
    shape: undefined,
    error: undefined,
  });
  useEffect(() => {
    const gone = new AbortController();
    const reader = new TraceReader();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        const response = await call(`/v1/traces/${encodeURIComponent(traceId)}`, { signal: gone.signal });
        const shape = await reader.ask({ kind: "load", json: await response.arrayBuffer() });
        if (gone.signal.aborted) return;
        setLoaded({ reader, shape, error: undefined });
        if (isLive && shape.isRunning) timer = setTimeout(() => void read(), LIVE_MS);
      } catch (error) {
        if (!gone.signal.aborted) setLoaded((before) => ({ ...before, error: error as Error }));
      }
    };
    void read();
    return () => {
      gone.abort();
      clearTimeout(timer);
      reader[Symbol.dispose]();
    };
  }, [traceId, isLive]);
  return loaded;
}

/** The span of a row. */
export function useSpan({ reader, shape }: LoadedTrace, row: number): TraceSpan | undefined {
  const [span, setSpan] = useState<TraceSpan>();
  useEffect(() => {
    if (reader === undefined || shape === undefined || row < 0) return;
    let isCurrent = true;
    reader.ask({ kind: "span", row }).then(
      (found) => isCurrent && setSpan(found),
      () => isCurrent && setSpan(undefined),
    );
    return () => {
      isCurrent = false;
    };
  }, [reader, shape, row]);
  return span;
}

/** Rows in which a text is found; undefined where none is looked for. */
export function useTraceSearch({ reader, shape }: LoadedTrace, text: string): readonly number[] | undefined {
  const [found, setFound] = useState<{ text: string; rows: readonly number[] }>();
  useEffect(() => {
    if (reader === undefined || shape === undefined || text === "") return;
    let isCurrent = true;
    reader.ask({ kind: "search", text }).then(
      (rows) => isCurrent && setFound({ text, rows }),
      () => isCurrent && setFound(undefined),
    );
    return () => {
      isCurrent = false;
    };
  }, [reader, shape, text]);
  return text !== "" && found?.text === text ? found.rows : undefined;
}
