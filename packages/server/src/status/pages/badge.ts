import type { ComponentStatus } from "@sandglass/protocol";
import { html } from "./html.ts";
import { STATUS_WORDS } from "./words.ts";

const COLOURS: Readonly<Record<ComponentStatus, string>> = {
  operational: "#1c7a4a",
  under_maintenance: "#2459ad",
  degraded_performance: "#8a6500",
  partial_outage: "#b04a0c",
  major_outage: "#b32020",
};
const HEIGHT = 22;
/** Of a character, on the average; `textLength` makes it so wherever the font is another one. */
const ADVANCE = 6.6;
const PAD = 8;

/** A dot of the status' colour, for a browser's tab. */
export function icon(status: ComponentStatus): string {
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="13" fill="${COLOURS[status]}"/></svg>
`.text;
}

/** A small picture of a status, for a README. */
export function badge(label: string, status: ComponentStatus): string {
  const shown = label.length > 40 ? `${label.slice(0, 39)}…` : label;
  const words = STATUS_WORDS[status].toLowerCase();
  const left = Math.round(shown.length * ADVANCE + 2 * PAD);
  const right = Math.round(words.length * ADVANCE + 2 * PAD);
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${HEIGHT}" role="img" aria-label="${`${shown}: ${words}`}">
<title>${`${shown}: ${words}`}</title>
<clipPath id="r"><rect width="${left + right}" height="${HEIGHT}" rx="4"/></clipPath>
<g clip-path="url(#r)"><rect width="${left}" height="${HEIGHT}" fill="#3b4552"/><rect x="${left}" width="${right}" height="${HEIGHT}" fill="${COLOURS[status]}"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${PAD}" y="15" textLength="${left - 2 * PAD}">${shown}</text><text x="${left + PAD}" y="15" textLength="${right - 2 * PAD}">${words}</text></g>
</svg>
`.text;
}
