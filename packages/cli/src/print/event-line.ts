import type { EventLine, Level, RuntimeEvent } from "sandglass";
import type { Colors } from "../terminal.ts";
import { duration } from "./duration.ts";
import { shortened } from "./printable.ts";

/** Longer values are cut: a line is for the eye, `--json` has everything. */
const MAX_VALUE_CHARS = 80;
const TYPE_WIDTH = 18;

/** An event as one line: local time, level, type, where, and what its data says. */
export function eventLine(line: EventLine, colors: Colors): string {
  if (line.type === "gap") {
    const count = line.toPosition - line.fromPosition + 1;
    return colors.yellow(
      `… ${count} events are gone from the record: ${shortened(line.reason, MAX_VALUE_CHARS)}`,
    );
  }
  const { dim, cyan, bold } = colors;
  const place = line.sandboxId === "" ? line.runId : line.sandboxId;
  const parts = [
    dim(clockTime(line.timestamp)),
    levelMark(line.level, colors),
    bold(shortened(line.type, 40).padEnd(TYPE_WIDTH)),
    cyan(shortened(place, 34)),
    dataWords(line, colors),
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

function dataWords(event: RuntimeEvent, colors: Colors): string {
  return Object.entries(event.data)
    .filter(([, value]) => value !== undefined && value !== "" && !isEmptyObject(value))
    .map(([name, value]) => {
      const text = shortened(wordsOf(name, value), MAX_VALUE_CHARS);
      const isBad = name === "cause" && value !== "exited" && value !== "user";
      return `${colors.dim(`${name}=`)}${isBad ? colors.red(text) : text}`;
    })
    .join(" ");
}

function wordsOf(name: string, value: unknown): string {
  if (typeof value === "number" && name.endsWith("Ms")) return duration(value).replace(" ", "");
  if (typeof value === "string") return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value) ?? "";
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
