import type { ReactNode } from "react";
import { duration } from "../lib/format.ts";
import type { TimeWindow } from "../trace/time-window.ts";
import { STATUSES, type TraceShape } from "../trace/trace-shape.ts";

const TONES = 8;
/** Percent of the track: beyond it there is no room for words on the right. */
const NEAR_END = 85;
const MAX_STRETCHES = 40;

interface SpanBarProps {
  shape: TraceShape;
  row: number;
  window: TimeWindow;
  critical: readonly TimeWindow[];
}

/** One span over time, what of it is on the critical path, and how long it took. */
export function SpanBar({ shape, row, window, critical }: SpanBarProps): ReactNode {
  const length = window.to - window.from;
  const percent = (ms: number): number => Math.max(0, Math.min(100, ((ms - window.from) / length) * 100));
  const start = shape.startMs[row] ?? 0;
  const took = shape.spanMs[row] ?? 0;
  const left = percent(start);
  const right = percent(start + took);
  const isOutside = start > window.to || start + took < window.from;
  const status = STATUSES[shape.status[row] ?? 0];
  const isInside = right > NEAR_END && left < 100 - NEAR_END;
  const words = isInside
    ? { right: `${100 - right}%` }
    : right > NEAR_END
      ? { right: `${100 - left}%` }
      : { left: `${right}%` };
  return (
    <>
      {!isOutside && (
        <span
          className={`bar is-${status} tone-${(shape.service[row] ?? 0) % TONES}`}
          style={{ left: `min(${left}%, 100% - 2px)`, width: `max(2px, ${right - left}%)` }}
        />
      )}
      {critical
        .slice(0, MAX_STRETCHES)
        .map(({ from, to }) =>
          to < window.from || from > window.to ? null : (
            <span
              key={from}
              className="critical"
              style={{ left: `${percent(from)}%`, width: `max(1px, ${percent(to) - percent(from)}%)` }}
            />
          ),
        )}
      <span className={isInside ? "took inside" : "took"} style={words}>
        {duration(took)}
      </span>
    </>
  );
}
