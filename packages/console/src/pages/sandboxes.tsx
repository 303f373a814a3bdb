import type { SandboxInfo } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { usePaged } from "../hooks/use-paged.ts";
import { setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const COLUMNS: readonly Column<SandboxInfo>[] = [
  { title: "Sandbox", cell: ({ id }) => <code>{id}</code> },
  { title: "State", cell: ({ state }) => <Badge of={state} /> },
  { title: "Ended by", cell: ({ cause }) => (cause === undefined ? "" : <Badge of={cause} />) },
  { title: "Template", cell: ({ template }) => template },
  { title: "Source", cell: ({ source }) => source.replace("_", " ") },
  { title: "Create", cell: ({ createMs }) => duration(createMs), isNumber: true },
  { title: "Made", cell: ({ createdAt }) => clock(createdAt) },
  {
    title: "Metadata",
    isWide: true,
    cell: ({ metadata }) =>
      Object.entries(metadata)
        .map(([name, value]) => safeText(`${name}=${value}`, 60))
        .join(" "),
  },
];

const keyOf = ({ id }: SandboxInfo): string => id;

export function SandboxesPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const state = query.get("state") ?? "";
  const search = (query.get("q") ?? "").toLowerCase();
  const path = `/v1/sandboxes?limit=200&ended=true${state === "" ? "" : `&state=${encodeURIComponent(state)}`}`;
  const sandboxes = usePaged<SandboxInfo>(path, keyOf, isLive ? 2_000 : 0);
  const since = sinceMs === undefined ? 0 : Date.now() - sinceMs;
  const items = (sandboxes.items ?? []).filter(
    (item) =>
      (item.state !== "terminated" || Date.parse(item.createdAt) >= since) &&
      (search === "" || JSON.stringify(item).toLowerCase().includes(search)),
  );
  return (
    <>
      <h1>Sandboxes</h1>
      <div className="tools">
        <input
          type="search"
          data-search=""
          aria-label="Search sandboxes"
          placeholder="Id, template, metadata, run"
          value={query.get("q") ?? ""}
          onChange={(event) => setQuery({ q: event.target.value })}
        />
        <select
          aria-label="State"
          value={state}
          onChange={(event) => setQuery({ state: event.target.value })}
        >
          <option value="">any state</option>
          {["starting", "running", "paused", "terminating", "terminated"].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </div>
      <ErrorNote error={sandboxes.error} />
      {sandboxes.isLoading && <p role="status">Loading…</p>}
      {sandboxes.items !== undefined && items.length === 0 ? (
        <Empty title="No sandboxes here">
          <p>Make one, and watch it arrive:</p>
          <pre>sandglass run script.py</pre>
        </Empty>
      ) : (
        <DataTable
          name="sandboxes"
          items={items}
          columns={COLUMNS}
          keyOf={keyOf}
          more={sandboxes.more}
          linkTo={({ id }) => `/sandboxes/${id}`}
        />
      )}
    </>
  );
}
