import type { Row, Target, Unit } from "./row.ts";

const FORMAT: Record<Unit, (value: number) => string> = {
  ms: (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`,
  x: (value) => `${value.toFixed(2)} x`,
  "/s": (value) => `${Math.round(value).toLocaleString("en")} /s`,
  "MB/s": (value) => `${Math.round(value).toLocaleString("en")} MB/s`,
  MB: (value) => `${value.toFixed(1)} MB`,
  kB: (value) => `${value.toFixed(1)} kB`,
  bytes: (value) => `${value.toLocaleString("en")} bytes`,
  events: (value) => `${value.toLocaleString("en")} events`,
  sandboxes: (value) => `${value}`,
  "%": (value) => `${value.toFixed(1)} %`,
};
const TARGET_FORMAT: Record<Unit, (value: number) => string> = {
  ...FORMAT,
  ms: (value) => `${value} ms`,
  MB: (value) => `${value} MB`,
  kB: (value) => `${value} kB`,
  "%": (value) => `${value} %`,
};

/** The rows of one part, aligned; columns that are empty throughout are left out. */
export function formatRows(rows: readonly Row[]): string {
  return align(
    rows.map((entry) => [
      entry.name,
      entry.value === undefined ? "not measured" : FORMAT[entry.unit](entry.value),
      entry.target === undefined ? "" : formatTarget(entry.target, entry.unit),
      formatOutcome(entry),
      entry.note ?? "",
    ]),
    1,
  );
}

/** The promises of all parts, and which are kept. */
export function formatTargets(parts: readonly { name: string; rows: readonly Row[] }[]): string {
  return align(
    parts.flatMap(({ name, rows }) =>
      rows
        .filter((entry) => entry.target !== undefined)
        .map((entry) => [
          name,
          entry.name,
          entry.value === undefined ? "not measured" : FORMAT[entry.unit](entry.value),
          formatTarget(entry.target!, entry.unit),
          formatOutcome(entry),
        ]),
    ),
    2,
  );
}

function formatTarget({ atMost, atLeast }: Target, unit: Unit): string {
  const format = TARGET_FORMAT[unit];
  return [
    atMost === undefined ? "" : `at most ${format(atMost)}`,
    atLeast === undefined ? "" : `at least ${format(atLeast)}`,
  ]
    .filter((words) => words !== "")
    .join(", ");
}

function formatOutcome({ target, isMet }: Row): string {
  if (target === undefined) return "";
  return isMet === true ? "met" : "NOT MET";
}

/** @param figures the column that stands at the right */
function align(lines: readonly string[][], figures: number): string {
  const columns = Math.max(0, ...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...lines.map((line) => (line[i] ?? "").length)),
  );
  const pad = (cell: string, i: number) =>
    i === figures ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!);
  return lines
    .map((line) => line.map(pad).filter((_, i) => widths[i]! > 0))
    .map((cells) => `  ${cells.join("  ")}`.trimEnd())
    .join("\n");
}
