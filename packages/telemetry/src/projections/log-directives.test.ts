import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVELS } from "@sandglass/protocol";
import { parseLogDirectives } from "./log-directives.ts";
import { LOG_MESSAGES } from "./log-messages.ts";

const printed: [
  directives: string,
  target: string,
  lowest: "debug" | "info" | "warn" | "error" | undefined,
][] = [
  ["", "http", "info"],
  [" , ,", "http", "info"],
  ["info", "http", "info"],
  ["WARN", "http", "warn"],
  ["4", "http", "debug"],
  ["0", "http", undefined],
  ["off", "http", undefined],
  ["trace", "http", "debug"],
  ["info,http=warn", "http", "warn"],
  ["info, http = warn ", "sandbox", "info"],
  ["info,http=off", "http", undefined],
  ["info,sandbox=warn,sandbox.exec=debug", "sandbox.exec", "debug"],
  ["sandbox.exec=debug,sandbox=warn,info", "sandbox.exec", "debug"],
  ["info,sandbox=warn,sandbox.exec=debug", "sandbox", "warn"],
  ["info,sand=error", "sandbox", "info"],
  ["info,sandbox=error", "sandbox.exec", "error"],
  ["http=debug", "http", "debug"],
  ["http=debug", "sandbox", undefined],
  ["error,http", "http", "debug"],
  ["info,http=warn,http=debug", "http", "debug"],
  ["debug,info", "http", "info"],
  ["warn,constructor=debug", "http", "warn"],
];
for (const [directives, target, lowest] of printed) {
  test(`"${directives}" prints ${lowest ? `${lowest} and above` : "nothing"} of ${target}`, () => {
    const isPrinted = parseLogDirectives(directives);
    const expected = LEVELS.map(
      (level) => lowest !== undefined && LEVELS.indexOf(level) >= LEVELS.indexOf(lowest),
    );
    assert.deepEqual(
      LEVELS.map((level) => isPrinted(target, level)),
      expected,
    );
  });
}

const refused: [directives: string, why: RegExp][] = [
  ["info,http=loud", /directive "http=loud": "loud" is no level/],
  ["http=", /the level is missing/],
  ["=info", /the target is missing/],
  ["a=b=c", /more than one "="/],
  ["info,[exec]=debug", /span and field filters are not supported/],
  ["http{status=500}=debug", /span and field filters are not supported/],
  ["ht tp=info", /"ht tp" is no target/],
  ["http=6", /"6" is no level/],
  ["http=toString", /is no level/],
];
for (const [directives, why] of refused) {
  test(`"${directives}" is refused, saying why and how to write it`, () => {
    assert.throws(() => parseLogDirectives(directives), {
      code: "INVALID_REQUEST",
      message: why,
      hint: /info,http=warn/,
    });
  });
}

test("every target of the log can be named in a directive", () => {
  for (const { target } of Object.values(LOG_MESSAGES)) {
    assert.ok(parseLogDirectives(`off,${target}=debug`)(target, "debug"));
  }
});
