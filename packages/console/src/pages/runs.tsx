import type { RunSummary } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { usePaged } from "../hooks/use-paged.ts";
import { setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { clock, cost, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const COLUMNS: readonly Column<RunSummary>[] = [
  { title: "Run", cell: ({ name, runId }) => safeText(name === "" ? runId : name, 100) },
  { title: "Status", cell: ({ status }) => <Badge of={status} /> },
  { title: "Started", cell: ({ startedAt }) => clock(startedAt) },
  { title: "Took", cell: ({ durationMs }) => duration(durationMs), isNumber: true },
  { title: "Tools", cell: ({ toolCalls }) => count(toolCalls), isNumber: true },
  { title: "Execs", cell: ({ execs }) => count(execs), isNumber: true },
  { title: "Failed", cell: ({ failures }) => count(failures), isNumber: true },
  {
    title: "Tokens",
    cell: ({ inputTokens, outputTokens }) => count(inputTokens + outputTokens),
    isNumber: true,
  },
  {
    title: "Cost",
    cell: ({ costUsd, unpricedCalls }) => cost(costUsd, unpricedCalls),
    isNumber: true,
  },
];

const keyOf = ({ runId }: RunSummary): string => runId;

export function RunsPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const status = query.get("status") ?? "";
  const name = query.get("q") ?? "";
  const asked = new URLSearchParams({ limit: "200", ...(status && { status }), ...(name && { name }) });
  const runs = usePaged<RunSummary>(`/v1/runs?${asked}`, keyOf, isLive ? 3_000 : 0);
  const since = sinceMs === undefined ? 0 : Date.now() - sinceMs;
  const items = (runs.items ?? []).filter(({ startedAt }) => Date.parse(startedAt) >= since);
  return (
    <>
      <h1>Runs</h1>
      <div className="tools">
        <input
          type="search"
          data-search=""
          aria-label="Search runs by name"
          placeholder="Name"
          value={name}
          onChange={(event) => setQuery({ q: event.target.value })}
        />
        <select
          aria-label="Status"
          value={status}
          onChange={(event) => setQuery({ status: event.target.value })}
        >
          <option value="">any status</option>
          {["running", "ok", "error", "cancelled"].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </div>
      <ErrorNote error={runs.error} />
      {runs.isLoading && <p role="status">Loading…</p>}
      {runs.items !== undefined && items.length === 0 ? (
        <Empty title="No runs here">
          <p>A run is one agent at work, across its sandboxes. Open one around what your agent does:</p>
          <pre>{'await client.run({ name: "analyst" }, async (run) => { … })'}</pre>
        </Empty>
      ) : (
        <DataTable
          name="runs"
          items={items}
          columns={COLUMNS}
          keyOf={keyOf}
          more={runs.more}
          linkTo={({ runId }) => `/runs/${encodeURIComponent(runId)}`}
        />
      )}
    </>
  );
}
