import type { PictureComponent } from "../picture.ts";
import type { LatencyPoint } from "../uptime-table.ts";
import { html, type Markup } from "./html.ts";

const WIDTH = 800;
const HEIGHT = 156;
const LEFT = 76;
const RIGHT = 8;
const TOP = 12;
const BOTTOM = 30;
const SPAN_MS = 86_400_000;
const BUCKET_MS = 10 * 60_000;

/** The median of each ten minutes of the last day. Where nothing was measured the line is broken. */
export function latencyGraph({ name, latencies }: PictureComponent, at: number): Markup | undefined {
  const buckets = bucketsOf(latencies, at);
  const known = buckets.filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  const most = ceiling(Math.max(...known));
  const x = (index: number) => LEFT + ((index + 0.5) / buckets.length) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  const point = (value: number, index: number) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
  const lines = runsOf(buckets).map((run) => {
    const [first] = run;
    if (run.length === 1 && first !== undefined) {
      return html`<circle class="dot" cx="${x(first.index).toFixed(1)}" cy="${y(first.value).toFixed(1)}" r="2"/>`;
    }
    return html`<path class="line" d="M${run.map(({ value, index }) => point(value, index)).join(" L")}"/>`;
  });
  const grid = [0, most / 2, most].map(
    (value) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${milliseconds(value)}</text>`,
  );
  const hours = [24, 18, 12, 6, 0].map((ago) => {
    const at = LEFT + (1 - ago / 24) * (WIDTH - LEFT - RIGHT);
    const anchor = ago === 24 ? "start" : ago === 0 ? "end" : "middle";
    return html`<text x="${at}" y="${HEIGHT - 6}" text-anchor="${anchor}">${ago === 0 ? "now" : `${ago} h ago`}</text>`;
  });
  const last = known.at(-1) ?? 0;
  const words = `${name}, last 24 hours: median ${milliseconds(median(known))}, lately ${milliseconds(last)}`;
  return html`<div class="graph"><div class="row"><h3>${name}</h3><span class="note">median ${milliseconds(median(known))}, lately ${milliseconds(last)}</span></div>
<svg class="latency" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${words}">${grid}${lines}${hours}</svg></div>`;
}

function bucketsOf(points: readonly LatencyPoint[], at: number): (number | undefined)[] {
  const count = SPAN_MS / BUCKET_MS;
  const values: number[][] = Array.from({ length: count }, () => []);
  for (const { at: time, latencyMs } of points) {
    values[Math.floor((time - (at - SPAN_MS)) / BUCKET_MS)]?.push(latencyMs);
  }
  return values.map((bucket) => (bucket.length === 0 ? undefined : median(bucket)));
}

function runsOf(values: readonly (number | undefined)[]): { value: number; index: number }[][] {
  const runs: { value: number; index: number }[][] = [];
  let run: { value: number; index: number }[] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) run = [];
    else {
      if (run.length === 0) runs.push(run);
      run.push({ value, index });
    }
  }
  return runs;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** 1, 2 or 5 times a power of ten. */
function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 0.001)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((bound) => bound >= value) ?? value;
}

function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 0 : 1)} s`;
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} ms`;
}
