import { styleText } from "node:util";
import type { RuntimeEvent } from "@sandglass/protocol";
import { toLogLine } from "../../projections/log-line.ts";
import type { LogFields } from "../../projections/log-message.ts";
import { LOG_MESSAGES } from "../../projections/log-messages.ts";
import { hasFailed } from "../../projections/span.ts";
import { escapeInvisible } from "./json-line.ts";

type Color = "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "white";
type Paint = (format: Color | ["bold", Color], text: string) => string;

export interface PrettyOptions {
  hasTimestamp: boolean;
  hasColors: boolean;
}

/** Room for the longer types, so that what stands behind them is in one column. */
const TYPE_WIDTH = 18;
/** Ids begin with their time, which is much the same for all: what tells them apart is their end. */
const ID_END = 8;
const NEEDS_QUOTES = /[\s"'=\\\p{C}\p{Z}]/u;
const FAMILY_COLORS: Readonly<Record<string, Color>> = {
  sandbox: "cyan",
  exec: "green",
  agent: "magenta",
  run: "magenta",
  file: "blue",
  network: "blue",
  port: "blue",
};

/**
 * Makes lines for the eye: local time, level, type, the end of the sandbox's id, and what the daemon's log says of it.
 *
 * @example "14:00:00.123 INFO  exec.completed     …86q862kbs9 exec complete exec_id=exec_1 exit_code=0 cause=exited duration_ms=12.5"
 */
export function prettyFormat({ hasTimestamp, hasColors }: PrettyOptions): (event: RuntimeEvent) => string {
  const paint: Paint = hasColors
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_, text) => text;
  // Levels and types are a few dozen constants.
  const heads = new Map<string, string>();
  return (event) => {
    const kind = `${event.level} ${event.type}${hasFailed(event) ? " failed" : ""}`;
    let head = heads.get(kind);
    if (head === undefined) {
      head = headOf(event, paint);
      heads.set(kind, head);
    }
    const time = hasTimestamp ? `${paint("dim", clockTime(event.timestamp))} ` : "";
    const place = event.sandboxId || event.runId;
    const id = place === "" ? "" : ` ${paint("dim", `…${place.slice(-ID_END)}`)}`;
    return time + head + id + wordsOf(event, paint);
  };
}

function headOf(event: RuntimeEvent, paint: Paint): string {
  const { level, type } = event;
  const family = FAMILY_COLORS[type.slice(0, type.indexOf("."))] ?? "white";
  const isBad = level === "error" || hasFailed(event);
  const color = isBad ? "red" : level === "warn" ? "yellow" : family;
  const mark = { debug: "dim", info: "green", warn: "yellow", error: "red" } as const;
  return `${paint(mark[level], level.toUpperCase().padEnd(5))} ${paint(["bold", color], type.padEnd(TYPE_WIDTH))}`;
}

/** " exec complete exec_id=… exit_code=0". */
function wordsOf(event: RuntimeEvent, paint: Paint): string {
  // A later release may have written types that this one does not know.
  if (!(event.type in LOG_MESSAGES)) return "";
  const { message, fields } = toLogLine(event);
  let text = ` ${message}`;
  for (const [key, value] of Object.entries<LogFields[string]>(fields)) {
    if (value === undefined || (key === "id" && value === event.sandboxId)) continue;
    text += ` ${paint("dim", `${key}=`)}${shown(value)}`;
  }
  return text;
}

function shown(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  return value !== "" && !NEEDS_QUOTES.test(value) ? value : escapeInvisible(JSON.stringify(value));
}

function clockTime(timestamp: string): string {
  const time = new Date(timestamp);
  const two = (value: number): string => String(value).padStart(2, "0");
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}
