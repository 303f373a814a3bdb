import type { KeyboardEvent, ReactNode } from "react";
import { type Replay, SPEEDS, type Speed } from "../hooks/use-replay.ts";
import { duration } from "../lib/format.ts";

/** A twentieth of the whole, with an arrow key. */
const STEPS = 20;

/** Play, pause, where it is, and how fast. Space, arrow keys, Home and End work anywhere in the output. */
export function ReplayBar({ replay, isCut }: { replay: Replay; isCut: boolean }): ReactNode {
  const { atMs, lengthMs, isPlaying, speed, skipsIdle } = replay;
  return (
    <section className="replay" aria-label="Replay">
      <button type="button" className="primary" onClick={replay.toggle}>
        {isPlaying ? "❚❚ Pause" : atMs >= lengthMs ? "↻ Play again" : "▶ Play"}
      </button>
      <input
        type="range"
        aria-label="Time in the replay"
        aria-valuetext={`${duration(atMs)} of ${duration(lengthMs)}`}
        min={0}
        max={Math.max(1, lengthMs)}
        step={Math.max(1, lengthMs / 1000)}
        value={atMs}
        onChange={(event) => replay.seek(Number(event.target.value))}
      />
      <span className="number quiet">
        {duration(atMs)} / {duration(lengthMs)}
      </span>
      <select
        aria-label="Speed"
        value={speed}
        onChange={(event) => replay.setSpeed(event.target.value as Speed)}
      >
        {SPEEDS.map((each) => (
          <option key={each} value={each}>
            {each === "max" ? "max" : `${each}×`}
          </option>
        ))}
      </select>
      <label>
        <input
          type="checkbox"
          checked={skipsIdle}
          onChange={(event) => replay.setSkipsIdle(event.target.checked)}
        />{" "}
        Skip idle
      </label>
      {isCut && <small>the first 4 MiB; the rest is in the download</small>}
    </section>
  );
}

/** The keys of a replay, for what stands around its output. */
export function onReplayKey(event: KeyboardEvent, replay: Replay): void {
  const isControl = (event.target as HTMLElement).closest("input, select, button, textarea") !== null;
  if (isControl || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = replay.lengthMs / STEPS;
  if (event.key === " ") replay.toggle();
  else if (event.key === "ArrowLeft") replay.seek(replay.atMs - step);
  else if (event.key === "ArrowRight") replay.seek(replay.atMs + step);
  else if (event.key === "Home") replay.seek(0);
  else if (event.key === "End") replay.seek(replay.lengthMs);
  else return;
  event.preventDefault();
}
