import type { ExecInfo, RuntimeEvent, SandboxInfo } from "@sandglass/protocol";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import { bytes, clock, count, duration, percent } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { sampleSeries } from "../lib/sandbox-record.ts";
import { TimeChart, timeAt } from "./time-chart.tsx";

const MIB = 1024 * 1024;
/** What stands in lanes of their own, or says too little to be marked. */
const UNMARKED: ReadonlySet<string> = new Set([
  "resource.sample",
  "exec.streamed",
  "exec.started",
  "exec.completed",
  "cost.runtime",
  "http.request",
]);
const MAX_MARKS = 300;
/** A shorter drag is a click. */
const DRAG_SHARE = 0.01;

interface SandboxTimelineProps {
  sandbox: SandboxInfo;
  execs: readonly ExecInfo[];
  events: readonly RuntimeEvent[];
  /** The exec that is open. */
  chosen: string | undefined;
}

/** What ran, what happened and what was used, above one another on the same time. */
export function SandboxTimeline({ sandbox, execs, events, chosen }: SandboxTimelineProps): ReactNode {
  const [pointedMs, setPointed] = useState<number>();
  const samples = useMemo(() => sampleSeries(events), [events]);
  const marks = useMemo(() => events.filter(({ type }) => !UNMARKED.has(type)).slice(-MAX_MARKS), [events]);
  const { query } = useRoute();
  const dragFrom = useRef<number>(undefined);
  const whole = wholeOf(sandbox, events);
  const { fromMs, toMs } = shownOf(query.get("zoom"), whole, execs, marks);
  const zoomTo = (one: number, other: number): void => {
    const [from, to] = [Math.min(one, other), Math.max(one, other)].map((at) =>
      Math.round(at - whole.fromMs),
    );
    if (from !== undefined && to !== undefined && to - from >= 1) setQuery({ zoom: `${from}-${to}` });
  };
  const place = (at: number): number => Math.max(0, Math.min(100, ((at - fromMs) / (toMs - fromMs)) * 100));
  const isIn = (start: number, end = start): boolean => end >= fromMs && start <= toMs;
  const isWhole = fromMs === whole.fromMs && toMs === whole.toMs;
  const { limits } = sandbox;
  const shared = { fromMs, toMs, pointedMs, onPoint: setPointed };
  return (
    <section className="timeline" aria-label="Timeline">
      <div className="lane-names" aria-hidden="true">
        <span>Execs</span>
        <span>Events</span>
      </div>
      <div
        className="lanes"
        onPointerMove={(event) => setPointed(timeAt(event, fromMs, toMs))}
        onPointerLeave={() => setPointed(undefined)}
        onPointerDown={(event) => {
          dragFrom.current = timeAt(event, fromMs, toMs);
        }}
        onPointerUp={(event) => {
          const to = timeAt(event, fromMs, toMs);
          const from = dragFrom.current;
          dragFrom.current = undefined;
          if (from !== undefined && Math.abs(to - from) > (toMs - fromMs) * DRAG_SHARE) zoomTo(from, to);
        }}
      >
        <section className="lane" aria-label="Execs over time">
          {execs.map((exec) => {
            const start = Date.parse(exec.startedAt);
            const left = place(start);
            const end = exec.durationMs === undefined ? whole.toMs : start + exec.durationMs;
            if (!isIn(start, end)) return null;
            const isBad = exec.cause !== undefined && (exec.cause !== "exited" || exec.exitCode !== 0);
            const label = `${safeText(exec.command ?? exec.code ?? exec.kind, 80)}, ${duration(end - start)}`;
            return (
              <button
                key={exec.id}
                type="button"
                className={`mark exec-mark ${isBad ? "bad" : ""} ${exec.id === chosen ? "chosen" : ""}`}
                style={{ left: `${left}%`, width: `max(5px, ${place(end) - left}%)` }}
                aria-label={label}
                title={label}
                onClick={() => setQuery({ exec: exec.id, tab: undefined, replay: undefined })}
              />
            );
          })}
        </section>
        <div className="lane" role="img" aria-label={`${marks.length} events over time`}>
          {marks
            .filter((event) => isIn(Date.parse(event.timestamp)))
            .map((event) => (
              <span
                key={event.id}
                className={`mark event-mark is-${event.level} of-${event.type.split(".")[0]}`}
                style={{ left: `${place(Date.parse(event.timestamp))}%` }}
                title={`${event.type}, ${clock(event.timestamp)}`}
              />
            ))}
        </div>
        {pointedMs !== undefined && <span className="pointed" style={{ left: `${place(pointedMs)}%` }} />}
        <div className="axis">
          <span>{clock(new Date(fromMs).toISOString())}</span>
          <span>
            {pointedMs !== undefined && clock(new Date(pointedMs).toISOString())}
            {pointedMs === undefined && (
              <button
                type="button"
                className={isWhole ? "hint" : undefined}
                onClick={() => setQuery({ zoom: isWhole ? undefined : "all" })}
              >
                {isWhole ? "Drag to zoom" : "Whole time"}
              </button>
            )}
          </span>
          <span>{clock(new Date(toMs).toISOString())}</span>
        </div>
      </div>
      {samples.cpu.length === 0 ? (
        <p className="quiet">Usage is measured every few seconds; nothing was measured yet.</p>
      ) : (
        <div className="charts">
          <TimeChart
            title={`CPU of ${limits.vcpu}`}
            series={[{ name: "", points: samples.cpu }]}
            top={1}
            format={percent}
            {...shared}
          />
          <TimeChart
            title="Memory"
            series={[{ name: "", points: samples.memory }]}
            top={limits.memoryMb * MIB}
            isBinary
            format={bytes}
            {...shared}
          />
          <TimeChart
            title="Disk"
            series={[{ name: "", points: samples.disk }]}
            isBinary
            format={bytes}
            {...shared}
          />
          <TimeChart
            title="Processes"
            series={[{ name: "", points: samples.pids }]}
            format={count}
            {...shared}
          />
        </div>
      )}
    </section>
  );
}

interface Stretch {
  fromMs: number;
  toMs: number;
}

function wholeOf(sandbox: SandboxInfo, events: readonly RuntimeEvent[]): Stretch {
  const fromMs = Date.parse(sandbox.createdAt);
  const end = sandbox.endedAt ?? events.at(-1)?.timestamp ?? sandbox.createdAt;
  return { fromMs, toMs: Math.max(Date.parse(end), fromMs + 1_000) };
}

/** What the address says; else the part in which something happened, where it did nothing for most of its time. */
function shownOf(
  zoom: string | null,
  whole: Stretch,
  execs: readonly ExecInfo[],
  marks: readonly RuntimeEvent[],
): Stretch {
  const [from = Number.NaN, to = Number.NaN] = (zoom ?? "").split("-").map(Number);
  if (to > from) return { fromMs: whole.fromMs + from, toMs: whole.fromMs + to };
  if (zoom === "all") return whole;
  const ends = execs.map(({ startedAt, durationMs }) =>
    durationMs === undefined ? whole.toMs : Date.parse(startedAt) + durationMs,
  );
  // Pausing for want of work is no work.
  const done = marks.filter(({ type }) => !type.startsWith("sandbox."));
  const last = Math.max(whole.fromMs, ...ends, ...done.map(({ timestamp }) => Date.parse(timestamp)));
  const length = (last - whole.fromMs) * 1.05;
  const isMostlyIdle = length > 0 && length < (whole.toMs - whole.fromMs) / 2;
  return isMostlyIdle ? { fromMs: whole.fromMs, toMs: whole.fromMs + Math.max(length, 1_000) } : whole;
}
