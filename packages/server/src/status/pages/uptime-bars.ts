import { type PictureComponent, shownDays } from "../picture.ts";
import { DAY_MS, type DayTimes } from "../uptime-table.ts";
import { html, type Markup } from "./html.ts";
import { dayWords, durationWords, percentWords } from "./words.ts";

const STEP = 8;
const WIDTH = 6;
const HEIGHT = 34;
/** A gap that is worth a word is worth being seen. */
const MIN_GAP_MS = 60_000;
const MIN_GAP_HEIGHT = 3;
/** An outage this long makes a bad day; a shorter one is partial. */
const BAD_DAY_MS = 15 * 60_000;

type Shade = "none" | "up" | "degraded" | "partial" | "down" | "maint";

/** One bar for each of 90 days. A bar is as high as the part of its day that was measured; the rest is a gap. */
export function uptimeBars({ name, days, uptime }: PictureComponent, at: number): Markup {
  const byDay = new Map(days.map((day) => [day.day, day]));
  const shown = shownDays(at);
  const bars = shown.map((day, index) => bar(byDay.get(day), day, index, at));
  const measured = days.filter((day) => measuredMs(day) > 0).length;
  const troubled = days.filter((day) => day.down + day.partial > 0).length;
  const words = [
    uptime === undefined ? "nothing was measured yet" : `${percentWords(uptime)} uptime`,
    `${troubled} ${troubled === 1 ? "day" : "days"} with outages`,
    `${shown.length - measured} days without data`,
  ];
  return html`<svg class="bars" viewBox="0 0 ${shown.length * STEP - STEP + WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${`${name}, last ${shown.length} days: ${words.join(", ")}`}">${bars}</svg>
<div class="scale"><span>90 days ago</span><span>${uptime === undefined ? "no data yet" : `${percentWords(uptime)} uptime`}</span><span>Today</span></div>`;
}

function bar(times: DayTimes | undefined, day: number, index: number, at: number): Markup {
  const lengthMs = Math.min(DAY_MS, at - day * DAY_MS);
  const measured = times === undefined ? 0 : measuredMs(times);
  const gapMs = Math.max(0, lengthMs - measured);
  const x = index * STEP;
  const title = `${dayWords(day * DAY_MS)}: ${dayWord(times, gapMs)}`;
  if (times === undefined || measured === 0) {
    return html`<g><title>${title}</title><rect class="b-none" x="${x}" y="0" width="${WIDTH}" height="${HEIGHT}"/></g>`;
  }
  const least = gapMs >= MIN_GAP_MS ? MIN_GAP_HEIGHT : 0;
  const gap = Math.min(HEIGHT - 2, Math.max(least, Math.round((HEIGHT * gapMs) / lengthMs)));
  return html`<g><title>${title}</title>${gap > 0 && html`<rect class="b-none" x="${x}" y="0" width="${WIDTH}" height="${gap}"/>`}<rect class="b-${shadeOf(times)}" x="${x}" y="${gap}" width="${WIDTH}" height="${HEIGHT - gap}"/></g>`;
}

function shadeOf(day: DayTimes): Shade {
  if (day.down >= BAD_DAY_MS) return "down";
  if (day.down + day.partial > 0) return "partial";
  if (day.degraded > 0) return "degraded";
  return day.maintenance > day.up ? "maint" : "up";
}

function dayWord(day: DayTimes | undefined, gapMs: number): string {
  if (day === undefined || measuredMs(day) === 0) return "no data";
  const parts: [number, string][] = [
    [day.down, "outage"],
    [day.partial, "partial outage"],
    [day.degraded, "degraded"],
    [day.maintenance, "maintenance"],
  ];
  const words = parts.filter(([ms]) => ms > 0).map(([ms, word]) => `${durationWords(ms)} ${word}`);
  if (words.length === 0) words.push("no outage");
  if (gapMs >= MIN_GAP_MS) words.push(`${durationWords(gapMs)} without data`);
  return words.join(", ");
}

function measuredMs({ up, degraded, partial, down, maintenance }: DayTimes): number {
  return up + degraded + partial + down + maintenance;
}
