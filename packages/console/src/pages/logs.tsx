import type { LogEntry } from "@sandglass/protocol";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Filters } from "../components/filters.tsx";
import { LogContext } from "../components/log-context.tsx";
import { LogTable } from "../components/log-table.tsx";
import { Empty, ErrorNote } from "../components/notes.tsx";
import { useLogTail } from "../hooks/use-log-tail.ts";
import { usePaged } from "../hooks/use-paged.ts";
import { setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { count } from "../lib/format.ts";
import { mergeLogs } from "../lib/merge-logs.ts";
import { SEARCH_HINT } from "../lib/search-hint.ts";

const FILTERS = [
  ["search", "Search for words", SEARCH_HINT],
  ["text", "Text contains"],
  ["attribute", "Attribute, name=value"],
  ["service", "Service"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
  ["traceId", "Trace id"],
] as const;
const LIMIT = 300;
/** The store is a little behind the log: what came just before a tail began is found by reading once more. */
const STORE_LAG_MS = 2_000;
const keyOf = ({ id }: LogEntry): string => id;

/** Log records, newest first, as they come; or one of them among its neighbours. */
export function LogsPage(): ReactNode {
  const { query } = useRoute();
  const around = query.get("around");
  return around === null ? <LogList /> : <LogContext id={around} />;
}

function LogList(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const [pause, setPause] = useState<{ path: string; entries: readonly LogEntry[]; arrived: number }>();
  const wanted = wantedOf(query);
  const path = useMemo(() => {
    const asked = new URLSearchParams(wanted);
    asked.set("limit", String(LIMIT));
    if (sinceMs !== undefined) asked.set("since", new Date(Date.now() - sinceMs).toISOString());
    return `/v1/logs?${asked}`;
  }, [wanted, sinceMs]);
  const { items, error, isLoading, more, reload } = usePaged<LogEntry>(path, keyOf);
  const tail = useLogTail(isLive ? wanted : undefined);
  const { connections, arrived, missed, clear } = tail;
  // Another search goes on by itself.
  const paused = isLive && pause?.path === path ? pause : undefined;
  const isPaused = paused !== undefined;
  useEffect(() => {
    if (connections === 0 || isPaused) return;
    reload();
    const timer = setTimeout(reload, STORE_LAG_MS);
    return () => clearTimeout(timer);
  }, [connections, isPaused, reload]);

  const live = (paused ?? tail).entries;
  // Between the oldest of these and what the store told before, there were more.
  const hasLost = (paused ?? tail).arrived > live.length;
  const shown = useMemo(() => mergeLogs(live, hasLost ? [] : (items ?? [])), [live, items, hasLost]);
  const isFollowing = tail.isOpen && !isPaused;
  const readAgain = (): void => {
    setPause(undefined);
    clear();
    reload();
  };
  return (
    <>
      <h1>Logs</h1>
      <Filters fields={FILTERS} />
      <div className="tools">
        <select
          aria-label="Level"
          value={query.get("minSeverity") ?? ""}
          onChange={(event) => setQuery({ minSeverity: event.target.value })}
        >
          <option value="">any level</option>
          <option value="9">info and above</option>
          <option value="13">warnings and errors</option>
          <option value="17">errors</option>
        </select>
        {isLive && (
          <button
            type="button"
            onClick={() => setPause(isPaused ? undefined : { path, entries: tail.entries, arrived })}
          >
            {isPaused ? "Go on" : "Pause"}
          </button>
        )}
        {isPaused && arrived > paused.arrived && (
          <span className="quiet">{count(arrived - paused.arrived)} came since</span>
        )}
        <span className="quiet" role="status">
          {isLoading ? "Loading…" : isPaused ? "paused" : isFollowing ? "following" : ""}
        </span>
      </div>
      <ErrorNote error={error ?? tail.error} />
      {(missed > 0 || hasLost) && (
        <p className="warning">
          {missed > 0 && `${count(missed)} came faster than this page could take them. `}
          {hasLost && `The last ${count(live.length)} that came are shown. `}
          All are in the store:{" "}
          <button type="button" onClick={readAgain}>
            Read again
          </button>
        </p>
      )}
      {items !== undefined && shown.length === 0 && (
        <Empty title="No log records here">
          <p>
            They are what programs send with OpenTelemetry, and lines of output where a sandbox is made with
            logs:
          </p>
          <pre>sandglass run --logs script.py</pre>
        </Empty>
      )}
      {shown.length > 0 && <LogTable items={shown} more={hasLost ? undefined : more} />}
    </>
  );
}

/** The filters of the address, as both routes take them. */
function wantedOf(query: URLSearchParams): string {
  const wanted = new URLSearchParams();
  for (const name of [...FILTERS.map(([each]) => each), "minSeverity"]) {
    const value = query.get(name);
    if (value) wanted.set(name, value);
  }
  return wanted.toString();
}
