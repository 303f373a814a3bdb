import type { ComponentStatus, IncidentImpact, IncidentStatus, MaintenanceStatus } from "@sandglass/protocol";
import { html, type Markup } from "./html.ts";

export const STATUS_WORDS: Readonly<Record<ComponentStatus, string>> = {
  operational: "Operational",
  under_maintenance: "Under maintenance",
  degraded_performance: "Degraded performance",
  partial_outage: "Partial outage",
  major_outage: "Major outage",
};

export const INCIDENT_WORDS: Readonly<Record<IncidentStatus, string>> = {
  investigating: "Investigating",
  identified: "Identified",
  monitoring: "Monitoring",
  resolved: "Resolved",
};

export const MAINTENANCE_WORDS: Readonly<Record<MaintenanceStatus, string>> = {
  scheduled: "Scheduled",
  in_progress: "In progress",
  completed: "Completed",
  cancelled: "Cancelled",
};

export const IMPACT_WORDS: Readonly<Record<IncidentImpact, string>> = {
  none: "no impact",
  minor: "minor impact",
  major: "major impact",
  critical: "critical impact",
};

const DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

/** `18 Apr 2026` */
export function dayWords(at: number): string {
  return DAY.format(at);
}

/** `18 Apr 2026, 14:05 UTC` */
export function timeWords(at: string | number): string {
  const ms = typeof at === "number" ? at : Date.parse(at);
  return `${DAY.format(ms)}, ${TIME.format(ms)} UTC`;
}

export function timeTag(at: string | number): Markup {
  return html`<time datetime="${new Date(at).toISOString()}">${timeWords(at)}</time>`;
}

/** `3 days 4 h`, `2 h 5 min`, `40 s`: two units at most. */
export function durationWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  const unit = days === 1 ? "day" : "days";
  return hours % 24 === 0 ? `${days} ${unit}` : `${days} ${unit} ${hours % 24} h`;
}

/** `99.98 %`; never rounded up to a hundred. */
export function percentWords(share: number): string {
  const percent = Math.floor(share * 100_000) / 1000;
  return share === 1 ? "100 %" : `${percent.toFixed(percent >= 99.9 ? 3 : 2)} %`;
}

/** Paragraphs of plain text; lines stay lines. */
export function paragraphs(text: string): Markup[] {
  return text
    .split(/\n\s*\n/)
    .map(
      (paragraph) =>
        html`<p>${paragraph.split("\n").map((line, index) => [index > 0 && html`<br>`, line])}</p>`,
    );
}
