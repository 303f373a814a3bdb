import type { ExporterList, Page, SandboxInfo } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { CostCard } from "../components/cost-card.tsx";
import { LatencyChart } from "../components/latency-chart.tsx";
import { Link } from "../components/link.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useEvents } from "../hooks/use-events.ts";
import { useScope, useTimeRange } from "../hooks/use-route.ts";
import { count, duration } from "../lib/format.ts";
import { type Percentiles, summarise } from "../lib/summary.ts";

const TYPES = "types=sandbox.created,exec.completed,cost.*";
const BUCKETS = 48;
/** Nearer than that is up to date: a batch waits a second. */
const LATE_MS = 2_000;

/** How it all goes: live where the address says so. */
export function OverviewPage(): ReactNode {
  const { range, sinceMs, isLive } = useTimeRange();
  const isAdmin = useScope("admin");
  const isReader = useScope("events:read");
  const sandboxes = useApi<Page<SandboxInfo>>("/v1/sandboxes?limit=1000", isLive ? 2_000 : 0);
  const exporters = useApi<ExporterList>(isAdmin ? "/v1/exporters" : undefined, isLive ? 3_000 : 0);
  const { events, error, isCaughtUp } = useEvents(isReader ? TYPES : undefined, isLive);
  const summary = useMemo(() => {
    const now = Date.now();
    const from =
      sinceMs === undefined ? Date.parse(events[0]?.timestamp ?? new Date().toISOString()) : now - sinceMs;
    return summarise(events, from, Math.max(now, from + 1), BUCKETS);
  }, [events, sinceMs]);
  const states = Map.groupBy(sandboxes.data?.items ?? [], ({ state }) => state);
  const isLoading = isReader && !isCaughtUp && error === undefined;
  const hasNothing = !isLoading && events.length === 0 && sandboxes.data?.items.length === 0;
  return (
    <>
      <h1>Overview</h1>
      <ErrorNote error={sandboxes.error ?? error} />
      {isLoading && events.length === 0 && <p role="status">Loading…</p>}
      {hasNothing && (
        <Empty title="Nothing has happened yet">
          <p>Run something, and everything about it is here:</p>
          <pre>sandglass run script.py</pre>
        </Empty>
      )}
      <div className="cards">
        <Card title="Sandboxes now">
          <p className="big">{sandboxes.data?.items.length ?? "…"}</p>
          <p className="row">
            {[...states].map(([state, items]) => (
              <Link key={state} to={`/sandboxes?state=${state}`}>
                <Badge of={state} /> {items.length}
              </Link>
            ))}
          </p>
        </Card>
        <Latency title="Create" of={summary.create} />
        <Latency title="Exec" of={summary.exec} />
        <Card title="From the warm pool">
          <p className="big">
            {summary.made === 0 ? "–" : `${Math.round((100 * summary.fromPool) / summary.made)} %`}
          </p>
          <p className="quiet">
            {count(summary.fromPool)} of {count(summary.made)} made
          </p>
        </Card>
        <CostCard {...summary} />
        <Card title="Failures by cause">
          {summary.failures.length === 0 && <p className="quiet">none</p>}
          <ul>
            {summary.failures.map(([cause, many]) => (
              <li key={cause}>
                <Badge of={cause} /> {many}
              </li>
            ))}
          </ul>
        </Card>
        {exporters.data !== undefined && (
          <Card title="Exporters">
            {exporters.data.items.length === 0 && <p className="quiet">none: events stay on this machine</p>}
            <ul>
              {exporters.data.items.map(({ id, state, lagMs }) => (
                <li key={id}>
                  <Link to={`/exporters/${encodeURIComponent(id)}`}>{id}</Link> <Badge of={state} />{" "}
                  {lagMs >= LATE_MS && `${duration(lagMs)} behind`}
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
      {isReader && (
        <div className="card-row">
          <LatencyChart title="Create" metric="sandglass.sandbox.create.duration" />
          <LatencyChart title="Exec" metric="sandglass.exec.duration" />
        </div>
      )}
      <h2>Execs, {range === "all" ? "since the beginning" : `last ${range}`}</h2>
      <Chart buckets={summary.buckets} />
    </>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <section className="card">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Latency({ title, of }: { title: string; of: Percentiles }): ReactNode {
  return (
    <Card title={`${title} time`}>
      <p className="big">{of.count === 0 ? "–" : duration(of.p50)}</p>
      <p className="quiet">
        {of.count === 0
          ? "none in this time"
          : `median of ${count(of.count)} · p95 ${duration(of.p95)} · p99 ${duration(of.p99)}`}
      </p>
    </Card>
  );
}

const HEIGHT = 90;
const WIDTH = 10;

function Chart({ buckets }: { buckets: readonly { ok: number; failed: number }[] }): ReactNode {
  const most = Math.max(1, ...buckets.map(({ ok, failed }) => ok + failed));
  const total = buckets.reduce((sum, { ok }) => sum + ok, 0);
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  return (
    <>
      <svg
        className="chart"
        viewBox={`0 0 ${buckets.length * WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${total} execs ended well, ${failed} did not; at most ${most} in one bar`}
      >
        {buckets.map((bucket, index) => {
          const ok = (bucket.ok / most) * HEIGHT;
          const bad = (bucket.failed / most) * HEIGHT;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            <g key={index}>
              <rect className="ok" x={index * WIDTH + 1} width={WIDTH - 2} y={HEIGHT - ok} height={ok} />
              <rect
                className="failed"
                x={index * WIDTH + 1}
                width={WIDTH - 2}
                y={HEIGHT - ok - bad}
                height={bad}
              />
            </g>
          );
        })}
      </svg>
      <p className="quiet">
        {count(total)} ended well, {count(failed)} did not; at most {count(most)} in one bar
      </p>
    </>
  );
}
