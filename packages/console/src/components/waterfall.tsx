import { memo, type ReactNode } from "react";
import { clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { TimeWindow } from "../trace/time-window.ts";
import type { TraceItem } from "../trace/trace-items.ts";
import type { TraceShape } from "../trace/trace-shape.ts";
import { SpanBar } from "./span-bar.tsx";
import { VirtualList } from "./virtual-list.tsx";

const ROW_HEIGHT = 26;
const MAX_INDENT = 24;
const INDENT = 12;

interface WaterfallProps {
  shape: TraceShape;
  items: readonly TraceItem[];
  folded: ReadonlySet<number>;
  /** Rows that the search found. */
  found: ReadonlySet<number>;
  /** Row; -1 is none. */
  chosen: number;
  /** Its place in `items`. */
  place: number;
  window: TimeWindow;
  /** Stretches of the critical path by row. */
  critical: ReadonlyMap<number, readonly TimeWindow[]>;
  onChoose(row: number): void;
  onToggle(row: number): void;
  onZoom(window: TimeWindow): void;
}

/** The spans as bars over time, log records between them. */
export function Waterfall(props: WaterfallProps): ReactNode {
  const { items, place, window } = props;
  return (
    <div className="waterfall">
      <div className="axis" aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <span key={share}>{duration(window.from + (window.to - window.from) * share)}</span>
        ))}
      </div>
      <VirtualList
        count={items.length}
        rowHeight={ROW_HEIGHT}
        label="Spans; arrow keys walk and fold, z, + and − zoom, 0 shows all"
        focusOn={place === -1 ? undefined : place}
        row={(index) => {
          const item = items[index];
          if (item === undefined) return null;
          return item.log === undefined ? (
            <SpanLine {...props} row={item.row} />
          ) : (
            <LogLine {...props} item={item} />
          );
        }}
      />
    </div>
  );
}

/** What stays in sight while the list is scrolled is not drawn anew. */
const SpanLine = memo(function SpanLine(props: WaterfallProps & { row: number }): ReactNode {
  const { shape, row, folded, found, chosen, window, critical, onChoose, onToggle, onZoom } = props;
  const name = safeText(shape.names[row] ?? "", 120);
  const subject = shape.subjects[row] ?? "";
  const took = shape.spanMs[row] ?? 0;
  const start = shape.startMs[row] ?? 0;
  const isFolded = folded.has(row);
  const below = shape.children[row] ?? 0;
  return (
    <div className={`span ${row === chosen ? "chosen" : ""} ${found.has(row) ? "hit" : ""}`}>
      <span className="name" style={{ paddingLeft: Math.min(shape.depth[row] ?? 0, MAX_INDENT) * INDENT }}>
        {below > 0 ? (
          <button
            type="button"
            className="fold"
            tabIndex={-1}
            aria-label={`${isFolded ? "Unfold" : "Fold"} ${name}`}
            onClick={() => onToggle(row)}
          >
            {isFolded ? "▸" : "▾"}
          </button>
        ) : (
          <span className="fold" />
        )}
        <button type="button" className="plain" tabIndex={-1} onClick={() => onChoose(row)}>
          {shape.isForeign[row] === 1 && <i title="told by a program, not by the host">◦ </i>}
          {name}
          {subject !== "" && <small className="subject"> {safeText(subject, 100)}</small>}
          {isFolded && <small> {(shape.end[row] ?? row) - row - 1} below</small>}
        </button>
      </span>
      <button
        type="button"
        className="track"
        tabIndex={-1}
        aria-label={`${name}, ${duration(took)}`}
        onClick={() => onChoose(row)}
        onDoubleClick={() => onZoom({ from: start, to: start + Math.max(0.001, took) })}
      >
        <SpanBar shape={shape} row={row} window={window} critical={critical.get(row) ?? []} />
      </button>
    </div>
  );
});

function LogLine({ shape, item, window, onChoose }: WaterfallProps & { item: TraceItem }): ReactNode {
  const { row, log } = item;
  if (log === undefined) return null;
  const at = Date.parse(log.timestamp) - shape.startTime;
  const share = ((at - window.from) / (window.to - window.from)) * 100;
  const tone = log.severity >= 17 ? "bad" : log.severity >= 13 ? "warn" : "";
  return (
    <button type="button" tabIndex={-1} className={`span log-line ${tone}`} onClick={() => onChoose(row)}>
      <span
        className="name"
        style={{ paddingLeft: (Math.min(shape.depth[row] ?? 0, MAX_INDENT) + 2) * INDENT }}
      >
        {safeText(log.body, 200)}
      </span>
      <span className="track">
        {share >= 0 && share <= 100 && (
          <span className="log-mark" style={{ left: `${share}%` }} title={clock(log.timestamp)} />
        )}
      </span>
    </button>
  );
}
