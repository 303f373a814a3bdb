import assert from "node:assert/strict";
import { type Level, SandglassError } from "@sandglass/protocol";
import { parseLogDirectives } from "../../../packages/telemetry/src/projections/log-directives.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];
const TARGETS = [
  "http",
  "http.request",
  "sandbox",
  "sandbox.exec",
  "sandbox.exec.streamed",
  "a",
  "a.b",
  "__proto__",
];
/** The higher, the more is printed. */
const NAMES = ["off", "error", "warn", "info", "debug", "trace"];

/** What is to be printed (`SANDGLASS_LOG`). */
export const logDirectives: FuzzTarget = {
  name: "log-directives",
  watched: ["/projections/log-directives.ts"],
  words: [
    ...[
      ...NAMES,
      ...TARGETS,
      "INFO",
      ",",
      "=",
      ".",
      "-",
      ":",
      "_",
      " ",
      "\t",
      "\n",
      "\u00a0",
      "0",
      "5",
      "6",
      "05",
    ],
    ...["[", "]", "{", "}", "toString", "constructor", "ä", "\0", "http.", "..", "a=", "=a"],
  ],
  seeds: ["info,http=warn,sandbox.exec=debug", "off", "", "http.request", "a=5, a.b=0", "warn,,trace"],
  check(input) {
    const text = input.toString("utf8");
    let isPrinted: ReturnType<typeof parseLogDirectives>;
    try {
      isPrinted = parseLogDirectives(text);
    } catch (error) {
      assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
      assert.ok(parts(text).some(isWrong), `refused: ${error.message}`);
      return `refused ${/not supported$|more than one|is missing$|is no \w+$/.exec(error.message)?.[0]}`;
    }
    assert.ok(!parts(text).some(isWrong), "a directive that is none is taken");
    const limits = TARGETS.map((target) => limitOf(text, target));
    for (const [at, target] of TARGETS.entries()) {
      // Twice: what was looked up once is kept.
      for (const level of [...LEVELS, ...LEVELS])
        assert.equal(
          isPrinted(target, level),
          NAMES.indexOf(level) <= (limits[at] as number),
          `${target} ${level}`,
        );
    }
    return [...new Set(limits)].sort().join();
  },
};

function parts(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function levelOf(text: string): number {
  return /^[0-5]$/.test(text) ? Number(text) : NAMES.indexOf(text.toLowerCase());
}

function isWrong(directive: string): boolean {
  const sides = directive.split("=").map((side) => side.trim());
  const [target = "", level] = sides;
  if (level === undefined && levelOf(target) >= 0) return false;
  const isTarget = /^\w+([.:-][\w:.-]*)?$/.test(target) && target.split(/[.:-]/)[0] !== "";
  return sides.length > 2 || !isTarget || (level !== undefined && levelOf(level) < 0);
}

/** The rule once more: the longest that fits, of two alike the last. */
function limitOf(text: string, target: string): number {
  const named = parts(text).map((directive): { name: string; limit: number } => {
    const [name = "", level] = directive.split("=").map((side) => side.trim());
    if (level !== undefined) return { name, limit: levelOf(level) };
    return levelOf(name) >= 0 ? { name: "", limit: levelOf(name) } : { name, limit: 5 };
  });
  if (named.length === 0) return NAMES.indexOf("info");
  const fitting = named.filter(({ name }) => name === "" || name === target || target.startsWith(`${name}.`));
  const longest = Math.max(...fitting.map(({ name }) => name.length));
  return fitting.filter(({ name }) => name.length === longest).at(-1)?.limit ?? 0;
}
