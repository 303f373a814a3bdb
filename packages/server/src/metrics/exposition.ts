import {
  type Exemplar,
  type Family,
  type HistogramPoint,
  type Labels,
  toLabelName,
  unitWord,
} from "./family.ts";

/** `prometheus` is the text format 0.0.4, `openmetrics` that of OpenMetrics 1.0. */
export type TextFormat = "prometheus" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/**
 * Both formats have the same names, labels and values, so that a series is the same one whichever a scraper asks for. OpenMetrics
 * says units and exemplars besides. When a series began is not said (`_created`): it would be as many series again.
 */
export function renderText(families: Iterable<Family>, format: TextFormat): string {
  const isOpen = format === "openmetrics";
  let text = "";
  for (const family of families) text += renderHead(family, isOpen) + renderPoints(family, isOpen);
  return isOpen ? `${text}# EOF\n` : text;
}

function renderHead({ kind, textName, unit, help }: Family, isOpen: boolean): string {
  const type = kind === "updown" ? "gauge" : kind;
  const escaped = escapeText(help);
  if (!isOpen) {
    const name = textName + suffixOf(kind);
    return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type === "info" ? "gauge" : type}\n`;
  }
  const word = unitWord(unit);
  const unitLine = word !== "" && textName.endsWith(`_${word}`) ? `# UNIT ${textName} ${word}\n` : "";
  return `# TYPE ${textName} ${type}\n${unitLine}# HELP ${textName} ${escaped.replaceAll('"', '\\"')}\n`;
}

function renderPoints(family: Family, isOpen: boolean): string {
  let text = "";
  if (family.kind === "histogram") {
    for (const point of family.points) text += renderHistogram(family.textName, point, isOpen);
    return text;
  }
  const name = family.textName + suffixOf(family.kind);
  for (const { labels, value } of family.points)
    text += `${name}${braced(pairsOf(labels))} ${renderValue(value)}\n`;
  return text;
}

function renderHistogram(name: string, point: HistogramPoint, isOpen: boolean): string {
  const pairs = pairsOf(point.labels);
  const before = pairs === "" ? "" : `${pairs},`;
  let text = "";
  let total = 0;
  for (const [index, count] of point.counts.entries()) {
    total += count;
    const exemplar = isOpen ? point.exemplars[index] : undefined;
    text += `${name}_bucket{${before}le="${renderBound(point.bounds[index])}"} ${total}${renderExemplar(exemplar)}\n`;
  }
  return `${text}${name}_sum${braced(pairs)} ${renderValue(point.sum)}\n${name}_count${braced(pairs)} ${total}\n`;
}

function renderExemplar(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, spanId, value, timeMs } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${renderValue(value)} ${timeMs / 1000}`;
}

function suffixOf(kind: Family["kind"]): string {
  return kind === "counter" ? "_total" : kind === "info" ? "_info" : "";
}

function pairsOf(labels: Labels = {}): string {
  return Object.entries(labels)
    .map(([name, value]) => `${toLabelName(name)}="${escapeText(value).replaceAll('"', '\\"')}"`)
    .join(",");
}

function braced(pairs: string): string {
  return pairs === "" ? "" : `{${pairs}}`;
}

function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** OpenMetrics wants a whole number with its point. As label values, "1" and "1.0" would be two series. */
function renderBound(bound: number | undefined): string {
  if (bound === undefined) return "+Inf";
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function renderValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
