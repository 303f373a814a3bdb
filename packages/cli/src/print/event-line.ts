import type { EventLine, Level, RuntimeEvent } from "sandglass";
import type { Colors } from "../terminal.ts";
import { duration } from "./duration.ts";
import { shortened } from "./printable.ts";

/** Longer values are cut: a line is for the eye, `--json` has everything. */
const MAX_VALUE_CHARS = 80;
const TYPE_WIDTH = 18;
/** What is said first, and what comes last: ids are long, and the sandbox's stands before them. */
const FIRST = ["cause", "exitCode", "reason", "status", "durationMs"];
const LAST = ["execId", "requestId", "toolCallId", "kind", "contextId"];
/** A terminal too narrow for this wraps: half a line that says nothing is worse. */
const MIN_DATA_COLUMNS = 40;

/**
 * An event as one line: local time, level, type, where, and what its data says.
 *
 * @param columns there are; what does not fit is left out. 0 leaves nothing out
 */
export function eventLine(line: EventLine, colors: Colors, columns = 0): string {
  if (line.type === "gap") {
    const count = line.toPosition - line.fromPosition + 1;
    return colors.yellow(
      `… ${count} events are gone from the record: ${shortened(line.reason, MAX_VALUE_CHARS)}`,
    );
  }
  const { dim, cyan, bold } = colors;
  const time = clockTime(line.timestamp);
  const type = shortened(line.type, 40).padEnd(TYPE_WIDTH);
  const place = shortened(line.sandboxId === "" ? line.runId : line.sandboxId, 34);
  const used = `${time} LEVEL ${type} ${place} `.length;
  const room = columns === 0 ? Number.POSITIVE_INFINITY : Math.max(MIN_DATA_COLUMNS, columns - used);
  const parts = [
    dim(time),
    levelMark(line.level, colors),
    bold(type),
    cyan(place),
    dataWords(line, colors, room),
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function clockTime(timestamp: string): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return shortened(timestamp, 27);
  const two = (value: number): string => String(value).padStart(2, "0");
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}

function levelMark(level: Level, colors: Colors): string {
  switch (level) {
    case "debug":
      return colors.dim("DEBUG");
    case "info":
      return colors.green("INFO ");
    case "warn":
      return colors.yellow("WARN ");
    case "error":
      return colors.red("ERROR");
  }
}

/** `name=value` of each, the telling ones first; whole ones, as many as there is room for. */
function dataWords(event: RuntimeEvent, colors: Colors, room: number): string {
  const words = Object.entries(event.data)
    .filter(([, value]) => value !== undefined && value !== "" && !isEmptyObject(value))
    .toSorted(([a], [b]) => rankOf(a) - rankOf(b))
    .map(([name, value]) => {
      const text = shortened(wordsOf(name, value), MAX_VALUE_CHARS);
      const isBad = name === "cause" && value !== "exited" && value !== "user";
      const shown = `${colors.dim(`${name}=`)}${isBad ? colors.red(text) : text}`;
      return { shown, width: [...`${name}=${text} `].length };
    });
  let left = room;
  const fitting = words.findIndex(({ width }) => {
    left -= width;
    return left < 0;
  });
  const kept = fitting === -1 ? words : words.slice(0, fitting);
  return [...kept.map(({ shown }) => shown), ...(fitting === -1 ? [] : [colors.dim("…")])].join(" ");
}

function rankOf(name: string): number {
  const first = FIRST.indexOf(name);
  return first >= 0 ? first : LAST.includes(name) ? FIRST.length + 1 : FIRST.length;
}

/** `memoryMbMs` is an amount of memory over time, and no duration. */
function wordsOf(name: string, value: unknown): string {
  if (typeof value === "number" && name.endsWith("Ms") && !name.endsWith("MbMs"))
    return duration(value).replace(" ", "");
  if (typeof value === "string") return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value) ?? "";
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
