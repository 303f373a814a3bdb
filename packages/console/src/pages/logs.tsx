import type { LogEntry, Page } from "@sandglass/protocol";
import { type ReactNode, useMemo, useState } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Filters } from "../components/filters.tsx";
import { Link } from "../components/link.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const FILTERS = [
  ["text", "Text contains"],
  ["service", "Service"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
  ["traceId", "Trace id"],
] as const;

const COLUMNS: readonly Column<LogEntry>[] = [
  { title: "Time", cell: ({ timestamp }) => <time>{clock(timestamp)}</time> },
  { title: "Level", cell: ({ severity }) => <Badge of={levelOf(severity)} /> },
  { title: "Record", cell: ({ body }) => <span className="log-body">{safeText(body, 2000)}</span> },
  { title: "Service", cell: ({ service }) => safeText(service, 60) },
  {
    title: "Sandbox",
    cell: ({ sandboxId }) =>
      sandboxId === "" ? "" : <Link to={`/sandboxes/${sandboxId}`}>{sandboxId.slice(-8)}</Link>,
  },
  {
    title: "Trace",
    cell: ({ traceId, spanId }) =>
      traceId === "" ? "" : <Link to={`/traces/${traceId}?span=${spanId}`}>{traceId.slice(0, 8)}</Link>,
  },
];

export function LogsPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const [isPaused, setPaused] = useState(false);
  const text = query.toString();
  const path = useMemo(() => {
    const chosen = new URLSearchParams(text);
    const asked = new URLSearchParams({ limit: "500" });
    for (const name of [...FILTERS.map(([each]) => each), "minSeverity"]) {
      const value = chosen.get(name);
      if (value) asked.set(name, value);
    }
    if (sinceMs !== undefined) asked.set("since", new Date(Date.now() - sinceMs).toISOString());
    return `/v1/logs?${asked}`;
  }, [text, sinceMs]);
  const { data, error, isLoading } = useApi<Page<LogEntry>>(path, isLive && !isPaused ? 1_500 : 0);
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
        <button type="button" onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Go on" : "Pause"}
        </button>
      </div>
      <ErrorNote error={error} />
      {isLoading && <p role="status">Loading…</p>}
      {data !== undefined && data.items.length === 0 ? (
        <Empty title="No log records here">
          <p>
            They are what programs send with OpenTelemetry, and lines of output where a sandbox is made with
            logs:
          </p>
          <pre>sandglass run --logs script.py</pre>
        </Empty>
      ) : (
        <DataTable name="logs" items={data?.items ?? []} columns={COLUMNS} keyOf={({ id }) => id} />
      )}
    </>
  );
}

function levelOf(severity: number): string {
  if (severity >= 17) return "error";
  if (severity >= 13) return "warn";
  return severity === 0 || severity >= 9 ? "info" : "debug";
}
