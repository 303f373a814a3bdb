import { type MouseEvent, type ReactNode, useCallback, useState } from "react";
import { duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { TimeWindow } from "../trace/time-window.ts";
import { STATUSES, type TraceShape } from "../trace/trace-shape.ts";
import { Canvas, type Pen } from "./canvas.tsx";

const LANE = 20;
const TONES = 8;
/** Narrower ones bear no name. */
const MIN_NAMED = 34;

interface FlameViewProps {
  shape: TraceShape;
  window: TimeWindow;
  /** Row; -1 is none. */
  chosen: number;
  onChoose(row: number): void;
  onZoom(window: TimeWindow): void;
}

/** Spans as stacked bars: what was under way at a time stands below what caused it. The waterfall says the same to who does not see it. */
export function FlameView({ shape, window, chosen, onChoose, onZoom }: FlameViewProps): ReactNode {
  const [pointed, setPointed] = useState(-1);
  const draw = useCallback((pen: Pen) => drawFlame(pen, shape, window, chosen), [shape, window, chosen]);
  const rowAt = (event: MouseEvent): number => {
    const { left, top, width } = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - left) / Math.max(1, width);
    const at = window.from + share * (window.to - window.from);
    const slack = (window.to - window.from) / Math.max(1, width);
    const lane = Math.floor((event.clientY - top) / LANE);
    return shape.lane.findIndex(
      (each, row) =>
        each === lane &&
        (shape.startMs[row] ?? 0) - slack <= at &&
        (shape.startMs[row] ?? 0) + (shape.spanMs[row] ?? 0) + slack >= at,
    );
  };
  const zoomTo = (row: number): void => {
    const from = shape.startMs[row] ?? 0;
    if (row !== -1) onZoom({ from, to: from + Math.max(0.001, shape.spanMs[row] ?? 0) });
  };
  return (
    <div className="flame">
      <p className="quiet" aria-hidden="true">
        {pointed === -1
          ? "Click chooses a span, a double click zooms to it."
          : `${safeText(shape.names[pointed] ?? "", 120)}, ${duration(shape.spanMs[pointed] ?? 0)}`}
      </p>
      <div className="flame-frame">
        <Canvas
          draw={draw}
          height={Math.max(1, shape.lanes) * LANE}
          role="img"
          aria-label={`Flame view of ${shape.names.length} spans; the waterfall lists them`}
          onClick={(event) => {
            const row = rowAt(event);
            if (row !== -1) onChoose(row);
          }}
          onDoubleClick={(event) => zoomTo(rowAt(event))}
          onMouseMove={(event) => setPointed(rowAt(event))}
          onMouseLeave={() => setPointed(-1)}
        />
      </div>
    </div>
  );
}

function drawFlame(pen: Pen, shape: TraceShape, window: TimeWindow, chosen: number): void {
  const { context, width, height, color } = pen;
  context.clearRect(0, 0, width, height);
  context.font = "11.5px system-ui, sans-serif";
  context.textBaseline = "middle";
  const scale = width / (window.to - window.from);
  // What would be drawn on a pixel that is taken already is not seen.
  const drawnTo = new Float64Array(shape.lanes).fill(-1);
  for (let row = 0; row < shape.names.length; row++) {
    const start = shape.startMs[row] ?? 0;
    const left = Math.max(0, (start - window.from) * scale);
    const right = Math.min(width, (start + (shape.spanMs[row] ?? 0) - window.from) * scale);
    const lane = shape.lane[row] ?? 0;
    if (right < 0 || left > width || right < left) continue;
    const isSeen = right - left >= 1 || left >= (drawnTo[lane] ?? -1) || row === chosen;
    if (!isSeen) continue;
    drawnTo[lane] = Math.max(drawnTo[lane] ?? 0, left + 1);
    const isBad = STATUSES[shape.status[row] ?? 0] === "error";
    const top = lane * LANE;
    context.fillStyle = color(isBad ? "bad" : `tone-${(shape.service[row] ?? 0) % TONES}`);
    context.fillRect(left, top, Math.max(1, right - left - 0.5), LANE - 1);
    if (row === chosen) {
      context.strokeStyle = color("text");
      context.lineWidth = 2;
      context.strokeRect(left + 1, top + 1, Math.max(1, right - left - 2), LANE - 3);
    }
    if (right - left < MIN_NAMED) continue;
    context.fillStyle = color("panel");
    const name = safeText(shape.names[row] ?? "", 120);
    context.fillText(name.slice(0, Math.floor((right - left - 8) / 6)), left + 4, top + LANE / 2);
  }
}
