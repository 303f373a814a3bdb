import type { Page, TraceSummary } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Filters } from "../components/filters.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useRoute, useTimeRange } from "../hooks/use-route.ts";
import { clock, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const FILTERS = [
  ["name", "Name contains"],
  ["minDurationMs", "At least, ms"],
  ["service", "Service"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
  ["attribute", "Attribute, name=value"],
] as const;

const COLUMNS: readonly Column<TraceSummary>[] = [
  { title: "Trace", cell: ({ name, traceId }) => safeText(name || traceId, 120) },
  { title: "Started", cell: ({ startTime }) => clock(startTime) },
  { title: "Took", cell: ({ durationMs }) => duration(durationMs), isNumber: true },
  { title: "Spans", cell: ({ spans }) => count(spans), isNumber: true },
  { title: "Errors", cell: ({ errors }) => (errors === 0 ? "" : <Badge of="error" />) },
  { title: "Service", cell: ({ service }) => safeText(service, 60) },
  { title: "Sandbox", cell: ({ sandboxId }) => <code>{sandboxId.slice(-8)}</code> },
];

export function TracesPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const text = query.toString();
  const path = useMemo(() => {
    const chosen = new URLSearchParams(text);
    const asked = new URLSearchParams({ limit: "500" });
    for (const name of [...FILTERS.map(([each]) => each), "error"]) {
      const value = chosen.get(name);
      if (value) asked.set(name, value);
    }
    if (sinceMs !== undefined) asked.set("since", new Date(Date.now() - sinceMs).toISOString());
    return `/v1/traces?${asked}`;
  }, [text, sinceMs]);
  const { data, error, isLoading } = useApi<Page<TraceSummary>>(path, isLive ? 3_000 : 0);
  return (
    <>
      <h1>Traces</h1>
      <Filters fields={FILTERS} flag={["error", "with errors only"]} />
      <ErrorNote error={error} />
      {isLoading && <p role="status">Loading…</p>}
      {data !== undefined && data.items.length === 0 ? (
        <Empty title="No traces here">
          <p>
            Every call of the API makes one, with the spans of the code inside. Widen the filters, or run
            something:
          </p>
          <pre>sandglass run --instrument script.py</pre>
        </Empty>
      ) : (
        <DataTable
          name="traces"
          items={data?.items ?? []}
          columns={COLUMNS}
          keyOf={({ traceId }) => traceId}
          linkTo={({ traceId }) => `/traces/${traceId}`}
        />
      )}
    </>
  );
}
