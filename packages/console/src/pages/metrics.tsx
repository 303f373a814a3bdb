import {
  METRIC_AGGREGATIONS,
  type MetricInfo,
  type MetricList,
  type MetricSeriesList,
} from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { Filters } from "../components/filters.tsx";
import { MetricChart } from "../components/metric-chart.tsx";
import { Empty, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { count } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { unitName } from "../lib/units.ts";

const FILTERS = [
  ["q", "Name or description"],
  ["filter", "Attribute, name=value"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
] as const;

/** Any metric there is, over time, by whatever its series can be told apart by. */
export function MetricsPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const list = useApi<MetricList>("/v1/metrics", isLive ? 15_000 : 0);
  const wanted = (query.get("q") ?? "").toLowerCase();
  const found = (list.data?.items ?? []).filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(wanted),
  );
  const name = query.get("name") ?? found[0]?.name;
  const text = query.toString();
  const path = useMemo(() => {
    if (name === undefined) return undefined;
    const chosen = new URLSearchParams(text);
    const since = new Date(sinceMs === undefined ? 0 : Date.now() - sinceMs).toISOString();
    const asked = new URLSearchParams({ name, since });
    for (const each of ["aggregation", "groupBy", "filter", "sandboxId", "runId"]) {
      const value = chosen.get(each);
      if (value) asked.set(each, value);
    }
    return `/v1/metrics?${asked}`;
  }, [name, text, sinceMs]);
  const series = useApi<MetricSeriesList>(path, isLive ? 5_000 : 0);
  const info = list.data?.items.find((each) => each.name === name);
  return (
    <>
      <h1>Metrics</h1>
      <ErrorNote error={list.error ?? series.error} />
      {list.data?.items.length === 0 ? (
        <Empty title="No metrics yet">
          <p>
            The daemon measures sandboxes and how long things take, and keeps what programs send with
            OpenTelemetry. Run something:
          </p>
          <pre>sandglass run script.py</pre>
        </Empty>
      ) : (
        <>
          <Filters fields={FILTERS} />
          <div className="metrics">
            <MetricNames items={found} chosen={name} />
            <div>
              {info !== undefined && <Choices info={info} />}
              {series.isLoading && <p role="status">Loading…</p>}
              {series.data !== undefined &&
                (series.data.series.length === 0 ? (
                  <Empty title="Nothing in this time">
                    <p>Take a longer time range, or take a filter away.</p>
                  </Empty>
                ) : (
                  <MetricChart data={series.data} />
                ))}
            </div>
          </div>
        </>
      )}
    </>
  );
}

function MetricNames({
  items,
  chosen,
}: {
  items: readonly MetricInfo[];
  chosen: string | undefined;
}): ReactNode {
  return (
    <ul className="metric-names" aria-label="Metrics">
      {items.map(({ name, type, unit }) => (
        <li key={name}>
          <button
            type="button"
            data-row=""
            aria-pressed={name === chosen}
            onClick={() => setQuery({ name, groupBy: undefined, aggregation: undefined })}
          >
            <code>{safeText(name, 120)}</code>
            <small>
              {type}
              {unit !== "" && `, ${safeText(unitName(unit), 30)}`}
            </small>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** How its points become one line, and what its lines are told apart by. */
function Choices({ info }: { info: MetricInfo }): ReactNode {
  const { query } = useRoute();
  const groups = (query.get("groupBy") ?? "").split(",").filter((each) => each !== "");
  const setGroups = (next: readonly string[]): void => setQuery({ groupBy: next.join(",") });
  const free = info.attributes.filter((each) => !groups.includes(each));
  return (
    <>
      <p className="quiet">
        {safeText(info.description, 500)} {count(info.points)} points.
      </p>
      <div className="tools">
        <label>
          Aggregation{" "}
          <select
            value={query.get("aggregation") ?? ""}
            onChange={(event) => setQuery({ aggregation: event.target.value })}
          >
            <option value="">as usual</option>
            {METRIC_AGGREGATIONS.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label>
          Group by{" "}
          <select value="" onChange={(event) => setGroups([...groups, event.target.value])}>
            <option value="">{groups.length === 0 ? "nothing" : "and also"}</option>
            {free.map((each) => (
              <option key={each} value={each}>
                {safeText(each, 80)}
              </option>
            ))}
          </select>
        </label>
        {groups.map((each) => (
          <button
            key={each}
            type="button"
            aria-label={`No longer by ${each}`}
            onClick={() => setGroups(groups.filter((other) => other !== each))}
          >
            {safeText(each, 80)} ✕
          </button>
        ))}
      </div>
    </>
  );
}
