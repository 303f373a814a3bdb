import assert from "node:assert/strict";
import {
  compileFilter,
  EVENT_TYPES,
  parseTypes,
  type RuntimeEvent,
  SandglassError,
} from "@sandglass/protocol";
import type { FuzzTarget } from "../fuzz-target.ts";

/** Types of events as queries and flags name them. */
export const eventFilters: FuzzTarget = {
  name: "event-filters",
  watched: ["/protocol/src/filter.ts", "/protocol/src/nearest-name.ts"],
  words: [
    ...[
      ...EVENT_TYPES,
      "*",
      ".*",
      "!",
      ",",
      " ",
      "exec.*",
      "!exec.*",
      "!*",
      "sandbox.",
      ".",
      "__proto__",
      "constructor",
    ],
    ...["\u00a0", "ä", "\0", "exec.complete", "a,".repeat(50)],
  ],
  seeds: ["exec.*, !exec.streamed", "*", "sandbox.created,exec.completed"],
  check(input) {
    const text = input.toString("utf8");
    let types: string[];
    try {
      types = parseTypes(text);
    } catch (error) {
      assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
      assert.ok(error.message.length < 500, "the refusal repeats it all");
      return "refused";
    }
    const isWanted = compileFilter({ types });
    const passing = EVENT_TYPES.filter((type) => isWanted({ type, level: "info" } as RuntimeEvent));
    assert.deepEqual(
      passing,
      EVENT_TYPES.filter((type) => expected(types, type)),
    );
    assert.deepEqual(parseTypes(types.join(",")), types);
    return `${types.length === 0} ${Math.min(passing.length, 8)} ${types.some((type) => type.startsWith("!"))}`;
  },
};

/** The same rule once more, asked of one type. */
function expected(patterns: readonly string[], type: string): boolean {
  const names = (pattern: string): boolean =>
    pattern === "*" || pattern === type || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1)));
  const wanted = patterns.filter((pattern) => !pattern.startsWith("!"));
  const isLeftOut = patterns.some((pattern) => pattern.startsWith("!") && names(pattern.slice(1)));
  return !isLeftOut && (wanted.length === 0 || wanted.some(names));
}
