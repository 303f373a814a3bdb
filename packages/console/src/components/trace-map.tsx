import { type PointerEvent, type ReactNode, useCallback, useState } from "react";
import { duration } from "../lib/format.ts";
import type { TimeWindow } from "../trace/time-window.ts";
import { STATUSES, type TraceShape } from "../trace/trace-shape.ts";
import { Canvas, type Pen } from "./canvas.tsx";

const HEIGHT = 52;
const TONES = 8;
/** A shorter drag is a click. */
const MIN_SHARE = 0.005;

interface TraceMapProps {
  shape: TraceShape;
  window: TimeWindow;
  onZoom(window: TimeWindow | undefined): void;
}

/** The whole trace small; dragging over it chooses what is shown below, a double click shows all of it again. */
export function TraceMap({ shape, window, onZoom }: TraceMapProps): ReactNode {
  const [drag, setDrag] = useState<{ from: number; to: number }>();
  const draw = useCallback((pen: Pen) => drawMap(pen, shape), [shape]);
  const shareAt = (event: PointerEvent): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / Math.max(1, width)));
  };
  const { durationMs } = shape;
  const from = drag === undefined ? window.from / durationMs : Math.min(drag.from, drag.to);
  const to = drag === undefined ? window.to / durationMs : Math.max(drag.from, drag.to);
  return (
    <div
      className="trace-map"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: shareAt(event), to: shareAt(event) });
      }}
      onPointerMove={(event) => drag !== undefined && setDrag({ from: drag.from, to: shareAt(event) })}
      onPointerUp={(event) => {
        // Of the event itself: the last move may not have been drawn yet.
        const end = shareAt(event);
        setDrag(undefined);
        if (drag === undefined || Math.abs(end - drag.from) <= MIN_SHARE) return;
        onZoom({
          from: Math.min(drag.from, end) * durationMs,
          to: Math.max(drag.from, end) * durationMs,
        });
      }}
      onDoubleClick={() => onZoom(undefined)}
    >
      <Canvas draw={draw} height={HEIGHT} />
      <span className="shade" style={{ left: 0, width: `${from * 100}%` }} />
      <span className="shade" style={{ right: 0, width: `${(1 - to) * 100}%` }} />
      <span className="map-time">{duration(durationMs)}</span>
    </div>
  );
}

function drawMap({ context, width, height, color }: Pen, shape: TraceShape): void {
  context.clearRect(0, 0, width, height);
  const thickness = Math.max(1, Math.min(6, height / Math.max(1, shape.lanes)));
  const scale = width / shape.durationMs;
  for (let row = 0; row < shape.names.length; row++) {
    const isBad = STATUSES[shape.status[row] ?? 0] === "error";
    context.fillStyle = color(isBad ? "bad" : `tone-${(shape.service[row] ?? 0) % TONES}`);
    const y = ((shape.lane[row] ?? 0) / Math.max(1, shape.lanes)) * height;
    context.fillRect(
      (shape.startMs[row] ?? 0) * scale,
      y,
      Math.max(1, (shape.spanMs[row] ?? 0) * scale),
      thickness - (thickness > 2 ? 1 : 0),
    );
  }
}
