import type { LogEntry, LogLine } from "@sandglass/protocol";
import { useCallback, useEffect, useRef, useState } from "react";
import { callLines } from "../api/api.ts";
import { Paced } from "../lib/paced.ts";

/** What is kept of it; older ones are in the store. */
const MAX_ENTRIES = 500;
/** A flood is drawn ten times a second, not a thousand. */
const FLUSH_MS = 100;
const RETRY_MS = 2_000;

export interface TailState {
  /** In the order they came; the last {@link MAX_ENTRIES}. */
  entries: readonly LogEntry[];
  /** How many came, since the connection was made or {@link LogTail.clear}. */
  arrived: number;
  /** How many the daemon left out because they came faster than this page took them. */
  missed: number;
  /** Counts the connections made: before each, records may have come that are in the store alone. */
  connections: number;
  isOpen: boolean;
  error: Error | undefined;
}

export interface LogTail extends TailState {
  /** Forgets what came: it is read from the store. */
  clear(): void;
}

const NOTHING = { entries: [], arrived: 0, missed: 0 } as const;

/**
 * Follows log records out of the log itself, from now on, across broken connections.
 *
 * @param query of `GET /v1/logs/tail`; undefined follows nothing
 */
export function useLogTail(query: string | undefined): LogTail {
  const [state, setState] = useState<TailState>({
    ...NOTHING,
    connections: 0,
    isOpen: false,
    error: undefined,
  });
  const kept = useRef<{ entries: LogEntry[]; arrived: number; missed: number }>({ ...NOTHING, entries: [] });
  const clear = useCallback(() => {
    kept.current = { ...NOTHING, entries: [] };
    setState((before) => ({ ...before, ...NOTHING }));
  }, []);

  useEffect(() => {
    clear();
    if (query === undefined) return;
    const gone = new AbortController();
    const change = (changes: Partial<TailState>): void => {
      if (!gone.signal.aborted) setState((before) => ({ ...before, ...changes }));
    };
    const shown = new Paced(() => {
      const { entries, arrived, missed } = kept.current;
      change({ entries: [...entries], arrived, missed });
    }, FLUSH_MS);
    const take = (line: LogLine): void => {
      const own = kept.current;
      if ("type" in line) own.missed += line.missed;
      else {
        own.arrived += 1;
        own.entries.push(line);
        if (own.entries.length > MAX_ENTRIES) own.entries.shift();
      }
      shown.wake();
    };
    const onOpen = (): void => {
      clear();
      if (gone.signal.aborted) return;
      setState((before) => ({
        ...before,
        connections: before.connections + 1,
        isOpen: true,
        error: undefined,
      }));
    };
    const follow = async (): Promise<void> => {
      while (!gone.signal.aborted) {
        try {
          for await (const line of callLines<LogLine>(`/v1/logs/tail?${query}`, {
            signal: gone.signal,
            onOpen,
          }))
            take(line);
          change({ isOpen: false });
        } catch (error) {
          change({ isOpen: false, error: error as Error });
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    };
    void follow();
    return () => {
      gone.abort();
      shown.stop();
      setState((before) => ({ ...before, isOpen: false, error: undefined }));
    };
  }, [query, clear]);
  return { ...state, clear };
}
