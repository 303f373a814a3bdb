/** A stretch of a trace, milliseconds behind its start. */
export interface TimeWindow {
  from: number;
  to: number;
}

/** Nothing is shorter than a microsecond. */
const MIN_MS = 0.001;

/** @param text `from-to` in milliseconds, as an address has it; anything else is the whole */
export function parseWindow(text: string | null, durationMs: number): TimeWindow {
  const [from = Number.NaN, to = Number.NaN] = (text ?? "").split("-").map(Number);
  return to > from && from >= 0 ? { from, to } : { from: 0, to: durationMs };
}

export function formatWindow({ from, to }: TimeWindow): string {
  return `${Number(from.toFixed(3))}-${Number(to.toFixed(3))}`;
}

/** Zooms around a place of the window, 0 its beginning and 1 its end, within the whole. */
export function zoomed(window: TimeWindow, factor: number, durationMs: number, at = 0.5): TimeWindow {
  const length = Math.min(durationMs, Math.max(MIN_MS, (window.to - window.from) * factor));
  const centre = window.from + (window.to - window.from) * at;
  return moved({ from: centre - length * at, to: centre + length * (1 - at) }, 0, durationMs);
}

/** Moves it by a share of its length, as far as there is something. */
export function moved({ from, to }: TimeWindow, share: number, durationMs: number): TimeWindow {
  const length = Math.min(to - from, durationMs);
  const start = Math.max(0, Math.min(durationMs - length, from + length * share));
  return { from: start, to: start + length };
}
