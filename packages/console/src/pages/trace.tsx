import type { LogEntry, Page } from "@sandglass/protocol";
import { type KeyboardEvent, type ReactNode, useMemo, useState } from "react";
import { CopyButton } from "../components/copy-button.tsx";
import { FlameView } from "../components/flame-view.tsx";
import { ErrorNote } from "../components/notes.tsx";
import { SpanDetail } from "../components/span-detail.tsx";
import { TraceMap } from "../components/trace-map.tsx";
import { TraceTools } from "../components/trace-tools.tsx";
import { Waterfall } from "../components/waterfall.tsx";
import { useApi } from "../hooks/use-api.ts";
import { setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { useSpan, useTrace, useTraceSearch } from "../hooks/use-trace.ts";
import { formatWindow, moved, parseWindow, type TimeWindow, zoomed } from "../trace/time-window.ts";
import { itemsOf, logsByRow, logsWithin, type Shown } from "../trace/trace-items.ts";
import type { TraceShape } from "../trace/trace-shape.ts";

const ZOOM_STEP = 0.5;
const PAN_STEP = 0.25;

/** One trace: its waterfall or flame view, and the chosen span with its attributes and logs. */
export function TracePage({ id }: { id: string }): ReactNode {
  const { query } = useRoute();
  const { isLive } = useTimeRange();
  const trace = useTrace(id, isLive);
  const logs = useApi<Page<LogEntry>>(`/v1/logs?limit=1000&traceId=${encodeURIComponent(id)}`);
  const found = useTraceSearch(trace, query.get("q") ?? "");
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const { shape } = trace;
  const logItems = logs.data?.items ?? NO_LOGS;
  const byRow = useMemo(() => (shape ? logsByRow(shape, logItems) : new Map()), [shape, logItems]);
  const shown = (query.get("show") ?? "all") as Shown;
  const hasLogLines = query.get("logs") !== "0";
  const items = useMemo(
    () => (shape ? itemsOf(shape, folded, shown, hasLogLines ? byRow : new Map()) : []),
    [shape, folded, shown, byRow, hasLogLines],
  );
  const critical = useMemo(() => (shape ? stretchesOf(shape) : new Map()), [shape]);
  const hits = useMemo(() => new Set(found), [found]);
  const chosenId = query.get("span");
  const chosen = useMemo(
    () => (chosenId === null ? 0 : (shape?.spanIds.indexOf(chosenId) ?? -1)),
    [shape, chosenId],
  );
  const span = useSpan(trace, shape === undefined || shape.names.length === 0 ? -1 : chosen);
  const heading = (
    <h1>
      Trace <code>{id}</code> <CopyButton text={id} />
    </h1>
  );
  if (shape === undefined) {
    return (
      <>
        {heading}
        <ErrorNote error={trace.error} />
        {trace.error === undefined && <p role="status">Loading…</p>}
      </>
    );
  }
  const place = items.findIndex(({ row, log }) => row === chosen && log === undefined);
  const window = parseWindow(query.get("zoom"), shape.durationMs);
  const zoom = (to: TimeWindow | undefined): void =>
    setQuery({ zoom: to === undefined || isWhole(to, shape) ? undefined : formatWindow(to) });
  const choose = (row: number | undefined): void => {
    if (row !== undefined && row !== -1) setQuery({ span: shape.spanIds[row] });
  };
  const toggle = (row: number): void => {
    const next = new Set(folded);
    if (!next.delete(row)) next.add(row);
    setFolded(next);
  };
  const step = (by: 1 | -1): void => {
    for (let at = place + by; at >= 0 && at < items.length; at += by)
      if (items[at]?.log === undefined) return choose(items[at]?.row);
  };
  const onKey = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).closest("input, select") || event.ctrlKey || event.metaKey) return;
    const hasBelow = (shape.children[chosen] ?? 0) > 0;
    const { key } = event;
    if (key === "ArrowDown") step(1);
    else if (key === "ArrowUp") step(-1);
    else if (key === "ArrowLeft" && event.shiftKey) zoom(moved(window, -PAN_STEP, shape.durationMs));
    else if (key === "ArrowRight" && event.shiftKey) zoom(moved(window, PAN_STEP, shape.durationMs));
    else if (key === "ArrowLeft" && hasBelow && !folded.has(chosen)) toggle(chosen);
    else if (key === "ArrowLeft") choose(shape.parent[chosen]);
    else if (key === "ArrowRight" && folded.has(chosen)) toggle(chosen);
    else if (key === "z") zoom(spanWindow(shape, chosen));
    else if (key === "+" || key === "=") zoom(zoomed(window, ZOOM_STEP, shape.durationMs));
    else if (key === "-") zoom(zoomed(window, 1 / ZOOM_STEP, shape.durationMs));
    else if (key === "0") zoom(undefined);
    else return;
    event.preventDefault();
  };
  const foldAll = (isFolded: boolean): void => {
    const rows = shape.names.map((_, row) => row);
    setFolded(
      new Set(
        isFolded ? rows.filter((row) => (shape.children[row] ?? 0) > 0 && (shape.depth[row] ?? 0) > 0) : [],
      ),
    );
  };
  /** Also below what is folded: it is unfolded then. */
  const nextFound = (): void => {
    const next = found?.find((row) => row > chosen) ?? found?.[0];
    if (next === undefined) return;
    const open = new Set(folded);
    for (let above = shape.parent[next] ?? -1; above !== -1; above = shape.parent[above] ?? -1)
      open.delete(above);
    if (open.size !== folded.size) setFolded(open);
    choose(next);
  };
  const shared = { shape, window, chosen, onChoose: choose, onZoom: zoom };
  return (
    <>
      {heading}
      <ErrorNote error={trace.error ?? logs.error} />
      <TraceTools
        traceId={id}
        shape={shape}
        found={found?.length}
        isZoomed={!isWhole(window, shape)}
        logs={byRow.size === 0 ? 0 : logItems.length}
        onNextFound={nextFound}
        onFoldAll={foldAll}
      />
      <div className="trace">
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the list inside has the focus, this hears its keys */}
        <div onKeyDown={onKey}>
          <TraceMap shape={shape} window={window} onZoom={zoom} />
          {query.get("view") === "flame" ? (
            <FlameView {...shared} />
          ) : (
            <Waterfall
              {...shared}
              items={items}
              folded={folded}
              found={hits}
              place={place}
              critical={critical}
              onToggle={toggle}
            />
          )}
        </div>
        {span !== undefined && <SpanDetail span={span} logs={logsWithin(shape, byRow, chosen)} />}
      </div>
    </>
  );
}

const NO_LOGS: readonly LogEntry[] = [];

function isWhole({ from, to }: TimeWindow, { durationMs }: TraceShape): boolean {
  return from <= 0 && to >= durationMs;
}

function spanWindow(shape: TraceShape, row: number): TimeWindow {
  const from = shape.startMs[row] ?? 0;
  return { from, to: from + Math.max(0.001, shape.spanMs[row] ?? 0) };
}

function stretchesOf({ critical }: TraceShape): Map<number, TimeWindow[]> {
  const byRow = new Map<number, TimeWindow[]>();
  for (let at = 0; at < critical.length; at += 3) {
    const row = critical[at] ?? 0;
    const stretch = { from: critical[at + 1] ?? 0, to: critical[at + 2] ?? 0 };
    const own = byRow.get(row);
    if (own === undefined) byRow.set(row, [stretch]);
    else own.push(stretch);
  }
  return byRow;
}
