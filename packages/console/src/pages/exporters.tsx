import type { ExporterInfo, ExporterList } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Link } from "../components/link.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { RetryButton } from "../components/retry-button.tsx";
import { TimeChart } from "../components/time-chart.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useTimeRange } from "../hooks/use-route.ts";
import { useThroughput } from "../hooks/use-throughput.ts";
import { lostBy, refusedBy } from "../lib/exporter-counts.ts";
import { clock, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

/** Where events go, how far behind, and how fast. */
export function ExportersPage(): ReactNode {
  const { isLive } = useTimeRange();
  const { data, error, isLoading, reload } = useApi<ExporterList>("/v1/exporters", isLive ? 2_000 : 0);
  const [problem, setProblem] = useState<Error>();
  const rates = useThroughput(data?.items);
  const series = [...rates].map(([name, points]) => ({ name, points }));
  const times = series.flatMap(({ points }) => points.map(([at]) => at));
  const onRetried = (failure: Error | undefined): void => {
    setProblem(failure);
    reload();
  };
  const columns: readonly Column<ExporterInfo>[] = [
    {
      title: "Exporter",
      isWide: true,
      cell: ({ id, provider, destination }) => (
        <>
          <Link to={`/exporters/${encodeURIComponent(id)}`} data-row="">
            {safeText(id, 60)}
          </Link>
          <small className="below">{safeText(`${provider}: ${destination}`, 120)}</small>
        </>
      ),
    },
    { title: "State", cell: ({ state }) => <Badge of={state} /> },
    { title: "Behind", cell: ({ lagMs }) => (lagMs === 0 ? "–" : duration(lagMs)), isNumber: true },
    {
      title: "Events/s",
      cell: ({ id }) => (rates.get(id)?.at(-1)?.[1] ?? 0).toFixed(1),
      isNumber: true,
    },
    { title: "Delivered", cell: ({ counts }) => count(counts.delivered), isNumber: true },
    { title: "Waiting", cell: ({ counts }) => count(counts.queued + counts.inFlight), isNumber: true },
    {
      title: "Dead letters",
      isNumber: true,
      cell: (exporter) => {
        const refused = refusedBy(exporter);
        if (refused === 0) return "0";
        return <Link to={`/exporters/${encodeURIComponent(exporter.id)}`}>{count(refused)}</Link>;
      },
    },
    { title: "Lost", cell: (exporter) => count(lostBy(exporter)), isNumber: true },
    {
      title: "Last error",
      isWide: true,
      cell: ({ lastError }) =>
        lastError === undefined ? (
          <span className="quiet">none</span>
        ) : (
          <>
            <time>{clock(lastError.at)}</time> {safeText(lastError.message, 160)}
          </>
        ),
    },
    { title: "Action", cell: ({ id }) => <RetryButton id={id} onDone={onRetried} /> },
  ];
  return (
    <>
      <h1>Exporters</h1>
      <ErrorNote error={error ?? problem} />
      {isLoading && <p role="status">Loading…</p>}
      {data?.items.length === 0 && (
        <Empty title="Events stay on this machine">
          <p>Deliver them to an OTLP backend, Axiom, Postgres, a file or a webhook:</p>
          <pre>sandglass exporters add --help</pre>
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <>
          <DataTable name="exporters" items={data.items} columns={columns} keyOf={({ id }) => id} />
          {times.length > 1 && (
            <TimeChart
              title="Events delivered a second, since this page was opened"
              series={series}
              fromMs={Math.min(...times)}
              toMs={Math.max(...times)}
              format={(value) => value.toFixed(1)}
            />
          )}
        </>
      )}
    </>
  );
}
