import type { MetricSeriesList } from "@sandglass/protocol";
import { type ReactNode, useMemo, useState } from "react";
import { useApi } from "../hooks/use-api.ts";
import { useTimeRange } from "../hooks/use-route.ts";
import { inUnit } from "../lib/units.ts";
import { Link } from "./link.tsx";
import { TimeChart } from "./time-chart.tsx";

const REFRESH_MS = 5_000;
const LEVELS = ["p50", "p95", "p99"] as const;

/** How long something took, over time: half, nineteen of twenty and all but one of a hundred were as quick. */
export function LatencyChart({ title, metric }: { title: string; metric: string }): ReactNode {
  const { sinceMs, isLive } = useTimeRange();
  const [pointedMs, setPointed] = useState<number>();
  const path = useMemo(() => {
    const since = new Date(sinceMs === undefined ? 0 : Date.now() - sinceMs).toISOString();
    return `/v1/metrics?${new URLSearchParams({ name: metric, since })}&aggregation=`;
  }, [metric, sinceMs]);
  const refresh = isLive ? REFRESH_MS : 0;
  const p50 = useApi<MetricSeriesList>(`${path}p50`, refresh).data;
  const p95 = useApi<MetricSeriesList>(`${path}p95`, refresh).data;
  const p99 = useApi<MetricSeriesList>(`${path}p99`, refresh).data;
  if (p50 === undefined) return null;
  return (
    <div>
      <TimeChart
        title={title}
        series={[p50, p95, p99].map((each, index) => ({
          name: LEVELS[index] ?? "",
          points: each?.series?.[0]?.points ?? [],
        }))}
        fromMs={Date.parse(p50.since)}
        toMs={Date.parse(p50.until)}
        format={inUnit(p50.unit)}
        pointedMs={pointedMs}
        onPoint={setPointed}
      />
      <small>
        <Link to={`/metrics?name=${metric}&groupBy=sandglass.template.id`}>by template</Link>
      </small>
    </div>
  );
}
