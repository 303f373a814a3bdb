import type { MetricSeries, MetricSeriesList } from "@sandglass/protocol";
import { type ReactNode, useMemo, useState } from "react";
import { count } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { inUnit } from "../lib/units.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { TimeChart, TONES } from "./time-chart.tsx";

interface SeriesRow {
  name: string;
  attributes: Record<string, string>;
  last: number;
  lowest: number;
  highest: number;
  average: number;
  points: number;
}

/** The series of a metric: those with the most points drawn, all of them in a table. */
export function MetricChart({ data }: { data: MetricSeriesList }): ReactNode {
  const [pointedMs, setPointed] = useState<number>();
  const perSecond = data.aggregation === "rate" ? `${data.unit === "1" ? "" : data.unit}/s` : data.unit;
  const format = data.aggregation === "count" ? count : inUnit(perSecond);
  const rows = useMemo(() => data.series.map(rowOf), [data]);
  const columns: readonly Column<SeriesRow>[] = [
    { title: "Series", cell: ({ name }) => safeText(name, 200), isWide: true },
    { title: "Last", cell: ({ last }) => format(last), isNumber: true },
    { title: "Lowest", cell: ({ lowest }) => format(lowest), isNumber: true },
    { title: "Highest", cell: ({ highest }) => format(highest), isNumber: true },
    { title: "Average", cell: ({ average }) => format(average), isNumber: true },
    { title: "Points", cell: ({ points }) => count(points), isNumber: true },
  ];
  return (
    <div className="metric">
      <TimeChart
        title={`${data.name}, ${data.aggregation}`}
        series={data.series
          .slice(0, TONES)
          .map((each) => ({ name: rowOf(each).name.slice(0, 60), points: each.points }))}
        fromMs={Date.parse(data.since)}
        toMs={Date.parse(data.until)}
        isBinary={data.unit === "By"}
        format={format}
        pointedMs={pointedMs}
        onPoint={setPointed}
      />
      {data.isPartial && (
        <p className="warning">There is more than is read for one answer: take less time, or filter.</p>
      )}
      <DataTable name={data.name} items={rows} columns={columns} keyOf={({ name }) => name} />
    </div>
  );
}

function rowOf({ attributes, points }: MetricSeries): SeriesRow {
  const values = points.map(([, value]) => value);
  const pairs = Object.entries(attributes);
  // Where there is one attribute, its choice stands above: the value says it all.
  const names = pairs.map(
    ([name, value]) => `${pairs.length === 1 ? "" : `${name}=`}${value === "" ? "(none)" : value}`,
  );
  return {
    name: names.join(" ") || "all",
    attributes,
    last: values.at(-1) ?? 0,
    lowest: values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    highest: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
    average: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length),
    points: points.length,
  };
}
