import { useCallback, useEffect, useMemo, useState } from "react";
import type { OutputLine } from "../lib/output-lines.ts";
import { nextStep, passed, type Recording, ReplayOutput, replayTimes } from "../lib/replay.ts";

/** Times the recorded speed; `max` waits for nothing. */
export const SPEEDS = ["1", "2", "8", "max"] as const;
export type Speed = (typeof SPEEDS)[number];

export interface Replay {
  /** Milliseconds behind its start. */
  atMs: number;
  lengthMs: number;
  isPlaying: boolean;
  speed: Speed;
  skipsIdle: boolean;
  lines: readonly OutputLine[];
  seek(atMs: number): void;
  /** Plays or pauses; from the end it begins again. */
  toggle(): void;
  setSpeed(speed: Speed): void;
  setSkipsIdle(skips: boolean): void;
}

/**
 * Plays an exec's stream again at the speed it was written.
 *
 * @param startMs when the exec began, Unix time
 * @param initialMs where to begin, milliseconds
 */
export function useReplay(recording: Recording, startMs: number, initialMs: number): Replay {
  const [atMs, setAt] = useState(initialMs);
  const [isPlaying, setPlaying] = useState(initialMs === 0);
  const [speed, setSpeed] = useState<Speed>("1");
  const [skipsIdle, setSkips] = useState(false);
  const { events } = recording;
  const times = useMemo(() => replayTimes(events, startMs, skipsIdle), [events, startMs, skipsIdle]);
  const output = useMemo(() => new ReplayOutput(events), [events]);
  const lengthMs = times.at(-1) ?? 0;

  useEffect(() => {
    if (!isPlaying) return;
    let frame = 0;
    let before = performance.now();
    const draw = (now: number): void => {
      const elapsed = now - before;
      before = now;
      setAt((at) => {
        const next = speed === "max" ? nextStep(times, at) : at + elapsed * Number(speed);
        return Math.min(next, lengthMs);
      });
      frame = requestAnimationFrame(draw);
    };
    frame = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed, times, lengthMs]);
  useEffect(() => {
    if (atMs >= lengthMs) setPlaying(false);
  }, [atMs, lengthMs]);

  const count = passed(times, atMs);
  const lines = useMemo(() => output.after(count).shown(), [output, count]);
  const seek = useCallback((to: number) => setAt(Math.max(0, Math.min(to, lengthMs))), [lengthMs]);
  const toggle = useCallback(() => {
    if (atMs >= lengthMs) setAt(0);
    setPlaying((before) => atMs >= lengthMs || !before);
  }, [atMs, lengthMs]);
  const setSkipsIdle = (skips: boolean): void => {
    // The same event stays in sight, whatever its time is called.
    const index = Math.max(0, count - 1);
    setSkips(skips);
    setAt(count === 0 ? 0 : (replayTimes(events, startMs, skips)[index] ?? 0));
  };
  return { atMs, lengthMs, isPlaying, speed, skipsIdle, lines, seek, toggle, setSpeed, setSkipsIdle };
}
