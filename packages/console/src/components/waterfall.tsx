import { type KeyboardEvent, type ReactNode, useMemo } from "react";
import { duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { SpanRow, SpanTree } from "../lib/span-tree.ts";
import { VirtualList } from "./virtual-list.tsx";

const ROW_HEIGHT = 26;
const MAX_INDENT = 24;

/** Milliseconds behind the trace's start. */
export interface Window {
  from: number;
  to: number;
}

interface WaterfallProps {
  tree: SpanTree;
  /** Positions in the tree of the rows that show. */
  visible: readonly number[];
  folded: ReadonlySet<string>;
  /** Places in `visible` that the search found. */
  found: readonly number[];
  /** Place in `visible`; -1 is none. */
  chosen: number;
  window: Window;
  onChoose(place: number): void;
  onToggle(spanId: string): void;
  onZoom(window: Window): void;
}

/** The spans as bars over time. Arrow keys walk and fold, z and a double click zoom to a span. */
export function Waterfall(props: WaterfallProps): ReactNode {
  const { tree, visible, folded, found, chosen, window, onChoose, onToggle, onZoom } = props;
  const hits = useMemo(() => new Set(found), [found]);
  const zoomTo = (row: SpanRow): void =>
    onZoom({ from: row.startMs, to: row.startMs + Math.max(row.span.durationMs, 0.001) });
  const onKey = (event: KeyboardEvent): void => {
    const row = tree.rows[visible[chosen] ?? -1];
    const isFolded = row !== undefined && folded.has(row.span.spanId);
    if (event.key === "ArrowDown") onChoose(Math.min(visible.length - 1, chosen + 1));
    else if (event.key === "ArrowUp") onChoose(Math.max(0, chosen - 1));
    else if (event.key === "ArrowLeft" && row && !isFolded && row.children > 0) onToggle(row.span.spanId);
    else if (event.key === "ArrowRight" && row && isFolded) onToggle(row.span.spanId);
    else if (event.key === "z" && row) zoomTo(row);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the list inside has the focus, this hears its keys
    <div className="waterfall" onKeyDown={onKey}>
      <div className="axis" aria-hidden="true">
        <span>{duration(window.from)}</span>
        <span>{duration((window.from + window.to) / 2)}</span>
        <span>{duration(window.to)}</span>
      </div>
      <VirtualList
        count={visible.length}
        rowHeight={ROW_HEIGHT}
        label="Spans; arrow keys walk and fold, z zooms"
        focusOn={chosen === -1 ? undefined : chosen}
        row={(place) => {
          const row = tree.rows[visible[place] ?? -1];
          if (row === undefined) return null;
          const { span } = row;
          return (
            <div className={`span ${place === chosen ? "chosen" : ""} ${hits.has(place) ? "hit" : ""}`}>
              <span className="name" style={{ paddingLeft: Math.min(row.depth, MAX_INDENT) * 12 }}>
                {row.children > 0 ? (
                  <button
                    type="button"
                    className="fold"
                    tabIndex={-1}
                    aria-label={folded.has(span.spanId) ? "Unfold" : "Fold"}
                    onClick={() => onToggle(span.spanId)}
                  >
                    {folded.has(span.spanId) ? "▸" : "▾"}
                  </button>
                ) : (
                  <span className="fold" />
                )}
                <button type="button" className="plain" tabIndex={-1} onClick={() => onChoose(place)}>
                  {span.origin !== undefined && <i title={`told by a ${span.origin}`}>◦ </i>}
                  {safeText(span.name, 120)}
                </button>
              </span>
              <button
                type="button"
                className="track"
                tabIndex={-1}
                aria-label={`${safeText(span.name, 120)}, ${duration(span.durationMs)}`}
                onClick={() => onChoose(place)}
                onDoubleClick={() => zoomTo(row)}
              >
                <Bar row={row} window={window} />
              </button>
            </div>
          );
        }}
      />
    </div>
  );
}

function Bar({ row, window }: { row: SpanRow; window: Window }): ReactNode {
  const length = window.to - window.from;
  const percent = (ms: number): number => Math.max(0, Math.min(100, ((ms - window.from) / length) * 100));
  const left = percent(row.startMs);
  const right = percent(row.startMs + row.span.durationMs);
  const isOutside = row.startMs > window.to || row.startMs + row.span.durationMs < window.from;
  // Where there is no room beside the bar, it stands in it.
  const isInside = right > 85 && left < 15;
  return (
    <>
      {!isOutside && (
        <span
          className={`bar is-${row.span.status} ${row.span.origin ?? "host"}`}
          style={{ left: `${left}%`, width: `max(2px, ${right - left}%)` }}
        />
      )}
      <span
        className={isInside ? "took inside" : "took"}
        style={
          isInside
            ? { right: `${100 - right}%` }
            : right > 85
              ? { right: `${100 - left}%` }
              : { left: `${right}%` }
        }
      >
        {duration(row.span.durationMs)}
      </span>
    </>
  );
}
