import type { ExporterInfo, ExporterList } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useTimeRange } from "../hooks/use-route.ts";
import { clock, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

export function ExportersPage(): ReactNode {
  const { isLive } = useTimeRange();
  const { data, error, reload } = useApi<ExporterList>("/v1/exporters", isLive ? 2_000 : 0);
  const [problem, setProblem] = useState<Error>();
  const retry = async (id: string): Promise<void> => {
    setProblem(undefined);
    try {
      await call(`/v1/exporters/${encodeURIComponent(id)}/retry`, { method: "POST" });
    } catch (failure) {
      setProblem(failure as Error);
    }
    reload();
  };
  const columns: readonly Column<ExporterInfo>[] = [
    { title: "Exporter", cell: ({ id }) => <strong>{safeText(id, 60)}</strong> },
    { title: "State", cell: ({ state }) => <Badge of={state} /> },
    {
      title: "Destination",
      cell: ({ provider, destination }) => safeText(`${provider}: ${destination}`, 120),
    },
    { title: "Behind", cell: ({ lagMs }) => duration(lagMs), isNumber: true },
    { title: "Accepted", cell: ({ counts }) => count(counts.accepted), isNumber: true },
    { title: "Delivered", cell: ({ counts }) => count(counts.delivered), isNumber: true },
    { title: "Queued", cell: ({ counts }) => count(counts.queued + counts.inFlight), isNumber: true },
    { title: "Lost", cell: ({ counts }) => count(lostOf(counts.dropped)), isNumber: true },
    {
      title: "Last error",
      cell: ({ lastError }) =>
        lastError === undefined ? "" : `${clock(lastError.at)} ${safeText(lastError.message, 300)}`,
    },
    {
      title: "Action",
      cell: ({ id }) => (
        <button type="button" data-row="" onClick={() => void retry(id)}>
          Retry now
        </button>
      ),
    },
  ];
  return (
    <>
      <h1>Exporters</h1>
      <ErrorNote error={error ?? problem} />
      {data?.items.length === 0 ? (
        <Empty title="Events stay on this machine">
          <p>Deliver them to an OTLP backend, Axiom, Postgres, a file or a webhook:</p>
          <pre>sandglass exporters add --help</pre>
        </Empty>
      ) : (
        <DataTable name="exporters" items={data?.items ?? []} columns={columns} keyOf={({ id }) => id} />
      )}
    </>
  );
}

function lostOf(dropped: Record<string, number>): number {
  return Object.values(dropped).reduce((sum, each) => sum + each, 0);
}
