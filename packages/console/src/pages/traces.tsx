import type { TraceSummary } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Filters } from "../components/filters.tsx";
import { Link } from "../components/link.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { usePaged } from "../hooks/use-paged.ts";
import { useRoute, useTimeRange } from "../hooks/use-route.ts";
import { clock, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const FILTERS = [
  ["name", "Name contains"],
  ["minDurationMs", "At least, ms"],
  ["service", "Service"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
  ["template", "Template"],
  ["attribute", "Attribute, name=value"],
] as const;
const LIMIT = 200;
const keyOf = ({ traceId }: TraceSummary): string => traceId;

const COLUMNS: readonly Column<TraceSummary>[] = [
  {
    title: "Trace",
    cell: ({ name, subject, traceId }) =>
      subject === "" ? (
        safeText(name || traceId, 120)
      ) : (
        <>
          {safeText(subject, 120)}
          <small className="kind"> {safeText(name, 60)}</small>
        </>
      ),
  },
  { title: "Started", cell: ({ startTime }) => clock(startTime) },
  { title: "Took", cell: ({ durationMs }) => duration(durationMs), isNumber: true },
  { title: "Spans", cell: ({ spans }) => count(spans), isNumber: true },
  {
    title: "Errors",
    cell: ({ errors }) =>
      errors === 0 ? (
        ""
      ) : (
        <>
          <Badge of="error" /> {count(errors)}
        </>
      ),
  },
  { title: "Service", cell: ({ service }) => safeText(service, 60) },
  {
    title: "Sandbox",
    cell: ({ sandboxId }) =>
      sandboxId === "" ? (
        ""
      ) : (
        <Link to={`/sandboxes/${sandboxId}`}>
          <code>{sandboxId.slice(-8)}</code>
        </Link>
      ),
  },
  {
    title: "Run",
    cell: ({ runId }) =>
      runId === "" ? (
        ""
      ) : (
        <Link to={`/runs/${encodeURIComponent(runId)}`}>{safeText(runId.slice(-8), 20)}</Link>
      ),
  },
];

export function TracesPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const text = query.toString();
  const path = useMemo(() => {
    const chosen = new URLSearchParams(text);
    const asked = new URLSearchParams({ limit: String(LIMIT) });
    for (const name of [...FILTERS.map(([each]) => each), "error"]) {
      const value = chosen.get(name);
      if (value && name !== "template") asked.set(name, value);
    }
    // It is an attribute as any; one is what can be asked for.
    const template = chosen.get("template");
    if (template && !asked.has("attribute")) asked.set("attribute", `sandglass.template.id=${template}`);
    if (sinceMs !== undefined) asked.set("since", new Date(Date.now() - sinceMs).toISOString());
    return `/v1/traces?${asked}`;
  }, [text, sinceMs]);
  const { items, error, isLoading, more } = usePaged<TraceSummary>(path, keyOf, isLive ? 3_000 : 0);
  return (
    <>
      <h1>Traces</h1>
      <Filters fields={FILTERS} flag={["error", "with errors only"]} />
      <ErrorNote error={error} />
      {isLoading && <p role="status">Loading…</p>}
      {items?.length === 0 ? (
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
          items={items ?? []}
          columns={COLUMNS}
          keyOf={keyOf}
          more={more}
          linkTo={({ traceId }) => `/traces/${traceId}`}
        />
      )}
    </>
  );
}
