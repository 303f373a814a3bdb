import type { PointerEvent, ReactNode } from "react";
import { clock } from "../lib/format.ts";
import { linePath, niceCeiling, pointAt, type Series, thin, within } from "../lib/series.ts";

const WIDTH = 1000;
const HEIGHT = 100;
const MAX_POINTS = 600;
/** As many as there are colours. */
export const TONES = 8;

export interface TimeChartProps {
  title: string;
  series: readonly Series[];
  fromMs: number;
  toMs: number;
  /** What is at the top, a limit for example; default: what the highest value needs. */
  top?: number;
  /** In steps of 1024. */
  isBinary?: boolean;
  format(value: number): string;
  /** The time that is pointed at, shared between charts that stand below each other. */
  pointedMs?: number | undefined;
  onPoint?(atMs: number | undefined): void;
}

/** Values over time. Pointing at it shows those of that moment. */
export function TimeChart(props: TimeChartProps): ReactNode {
  const { title, fromMs, toMs, format, pointedMs, onPoint } = props;
  const series = props.series.map(({ name, points }) => ({ name, points: within(points, fromMs, toMs) }));
  const highest = series.reduce(
    (max, { points }) => points.reduce((most, [, value]) => Math.max(most, value), max),
    0,
  );
  const top = highest <= (props.top ?? 0) ? (props.top ?? 1) : niceCeiling(highest, props.isBinary);
  const frame = { fromMs, toMs, top, width: WIDTH, height: HEIGHT };
  const textOf = ({ points }: Series): string => {
    const point = pointedMs === undefined ? points.at(-1) : pointAt(points, pointedMs);
    return point === undefined ? "–" : format(point[1]);
  };
  return (
    <figure className="time-chart">
      <figcaption>
        <strong>{title}</strong>
        {series.slice(0, TONES).map((each, index) => (
          <span key={each.name} className={`legend tone-${index % TONES}`}>
            {each.name !== "" && `${each.name} `}
            <b>{textOf(each)}</b>
          </span>
        ))}
        <small>up to {format(top)}</small>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: highest ${format(highest)}, last ${series.map(textOf).join(", ") || "none"}`}
        onPointerMove={(event) => onPoint?.(timeAt(event, fromMs, toMs))}
        onPointerLeave={() => onPoint?.(undefined)}
      >
        <line className="grid" x1={0} x2={WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
        {series.map((each, index) => (
          <Line
            key={each.name}
            path={linePath(thin(each.points, MAX_POINTS), frame)}
            tone={index % TONES}
            isFilled={series.length === 1}
            first={x(each.points[0]?.[0] ?? fromMs, frame)}
            last={x(each.points.at(-1)?.[0] ?? fromMs, frame)}
          />
        ))}
        {pointedMs !== undefined && (
          <line className="pointer" x1={x(pointedMs, frame)} x2={x(pointedMs, frame)} y1={0} y2={HEIGHT} />
        )}
      </svg>
      <div className="chart-times" aria-hidden="true">
        <time>{clock(new Date(fromMs).toISOString()).slice(0, -4)}</time>
        <time>{clock(new Date(toMs).toISOString()).slice(0, -4)}</time>
      </div>
    </figure>
  );
}

function Line({
  path,
  tone,
  isFilled,
  first,
  last,
}: {
  path: string;
  tone: number;
  isFilled: boolean;
  first: number;
  last: number;
}): ReactNode {
  if (path === "") return null;
  return (
    <g className={`tone-${tone}`}>
      {isFilled && <path className="area" d={`${path}L${last} ${HEIGHT}L${first} ${HEIGHT}Z`} />}
      <path className="stroke" d={path} />
    </g>
  );
}

function x(atMs: number, { fromMs, toMs }: { fromMs: number; toMs: number }): number {
  return ((atMs - fromMs) / Math.max(1, toMs - fromMs)) * WIDTH;
}

/** The time that a pointer is over. */
export function timeAt(event: PointerEvent, fromMs: number, toMs: number): number {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  return fromMs + ((event.clientX - left) / Math.max(1, width)) * (toMs - fromMs);
}
