import type { Colors } from "../terminal.ts";
import type { TopRow } from "../top-board.ts";
import { age } from "./duration.ts";
import { dollars } from "./run-table.ts";
import { table } from "./table.ts";

const MIB = 1024 * 1024;
const HEADINGS = ["SANDBOX", "TEMPLATE", "STATE", "AGE", "CPU", "MEMORY", "PIDS", "EXECS", "COST"];

/** One line of totals, and a line for each sandbox. @param maxRows 0 is all */
export function topTable(rows: readonly TopRow[], colors: Colors, maxRows = 0): string {
  const running = rows.filter(({ state }) => state === "running").length;
  const memory = rows.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  const cost = rows.reduce((sum, { costUsd }) => sum + costUsd, 0);
  const busy = rows.reduce((sum, row) => sum + row.running, 0);
  const totals = `${rows.length} sandboxes, ${running} running, ${busy} execs under way, ${mebibytes(memory)}, ${dollars(cost)}`;
  const hasRefused = rows.some(({ refusedRequests }) => Object.keys(refusedRequests).length > 0);
  const headings = hasRefused ? [...HEADINGS, "TELEMETRY REFUSED"] : HEADINGS;
  const shown = maxRows === 0 ? rows : rows.slice(0, maxRows);
  const rest = rows.length - shown.length;
  return [
    colors.dim(totals),
    table(
      headings,
      shown.map((row) => (hasRefused ? [...cellsOf(row), refusalOf(row)] : cellsOf(row))),
      colors,
    ),
    ...(rest > 0 ? [colors.dim(`and ${rest} more`)] : []),
  ].join("\n");
}

function cellsOf(row: TopRow): string[] {
  const { id, template, state, createdAt, cpu, memoryBytes, memoryLimitBytes, pids, execs, costUsd } = row;
  return [
    id,
    template,
    state,
    age(createdAt),
    cpu === null ? "–" : `${(cpu * 100).toFixed(0)} %`,
    `${memoryBytes === null ? "–" : (memoryBytes / MIB).toFixed(0)} / ${mebibytes(memoryLimitBytes)}`,
    pids === null ? "–" : String(pids),
    row.running > 0 ? `${execs} + ${row.running}` : String(execs),
    dollars(costUsd),
  ];
}

/** How many requests, and what most of them were refused for. */
function refusalOf({ refusedRequests }: TopRow): string {
  const reasons = Object.entries(refusedRequests).sort(([, a], [, b]) => b - a);
  const [most] = reasons;
  if (most === undefined) return "–";
  const sum = reasons.reduce((total, [, count]) => total + count, 0);
  return `${sum} ${most[0]}${reasons.length > 1 ? ", …" : ""}`;
}

function mebibytes(count: number): string {
  return `${(count / MIB).toFixed(0)} MiB`;
}
