import assert from "node:assert/strict";
import { printable, printableJson, shortened } from "../../../packages/cli/src/print/printable.ts";
import { AnsiParser } from "../../../packages/console/src/lib/ansi.ts";
import { OutputLines } from "../../../packages/console/src/lib/output-lines.ts";
import { safeText } from "../../../packages/console/src/lib/safe-text.ts";
import {
  formatLogJson,
  formatLogText,
  type LogLine,
} from "../../../packages/telemetry/src/projections/log-line.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { pieces } from "./agent-frames.ts";

/** What a terminal obeys, and what reorders or hides the text around it. */
const COMMANDS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
const LINE_ENDS = /[\n\v\f\r\x85\u2028\u2029]/;
const STYLE = /^(?:ansi-(?:fg-[0-7]|bg-[0-7]|bold|dim|italic|underline|strike)(?: |$))*$/;

/** What code inside writes, on its way to a terminal, a line of the log and a page. */
export const terminalText: FuzzTarget = {
  name: "terminal-text",
  watched: [
    ...["/console/src/lib/ansi.ts", "/console/src/lib/output-lines.ts", "/console/src/lib/safe-text.ts"],
    ...["/cli/src/print/printable.ts", "/projections/log-line.ts"],
  ],
  words: [
    ...[
      "\x1b",
      "\x1b[",
      "\x1b[0m",
      "\x1b[1;31m",
      "\x1b[38;5;200m",
      "\x1b[48;2;1;2;3m",
      "\x1b]0;title\x07",
      "\x1b]8;;x\x1b\\",
    ],
    ...[
      "\x1b[2J",
      "\x1bP",
      "\x1b_",
      "\x9b31m",
      "\x9d",
      "\r",
      "\n",
      "\r\n",
      "\b",
      "\x07",
      "\x7f",
      "\0",
      "\u202e",
      "\u2066",
    ],
    ...[
      "\u200b",
      "\ufeff",
      "\u2028",
      "\u0085",
      "\u{e0041}",
      "😀",
      "ä",
      '"',
      "\\",
      "=",
      " ",
      "\\u001b",
      "m",
      ";",
      ":",
      "38;5",
    ],
    ...["9".repeat(70), "\x1b]".repeat(20), "a".repeat(300), "\ud800"],
  ],
  seeds: ["\x1b[1;31mred\x1b[0m plain\r\nnext", 'key="va lue" \x1b]8;;http://x\x07link\x1b]8;;\x07'],
  check(input) {
    const text = input.toString("utf8");
    for (const shown of [printable(text), shortened(text, 20)]) {
      assert.doesNotMatch(shown, COMMANDS);
      assert.doesNotMatch(shown, LINE_ENDS);
    }
    assert.ok([...shortened(text, 20)].length <= 20);
    assert.deepEqual(JSON.parse(printableJson(text)), text);
    assert.doesNotMatch(printableJson(text), COMMANDS);
    checkLog(text);
    assert.doesNotMatch(safeText(text), COMMANDS);
    const parts = checkStyles(text);
    const lines = checkLines(input, text);
    return `${parts} ${lines}`;
  },
};

/** One event is one line, and what it said can be read back from it. */
function checkLog(text: string): void {
  const span: LogLine["span"] = { name: "exec", path: text, trace_id: "a", parent_span_id: "b" };
  const line: LogLine = {
    ...{ timestamp: "t", level: "INFO", target: "exec", message: text, span },
    fields: { id: "sbx", name: text, count: 1 },
  };
  const formatted = formatLogText(line);
  for (const shown of [formatted, formatLogJson(line)]) {
    assert.doesNotMatch(shown, LINE_ENDS);
    assert.doesNotMatch(shown, /[\0-\x1f\x7f-\x9f]/);
  }
  assert.doesNotMatch(formatted, COMMANDS);
  const { message, span: place, name } = JSON.parse(formatLogJson(line)) as Record<string, { path?: string }>;
  assert.deepEqual([message, place?.path, name], [text, text, text]);
  const found = [...formatted.matchAll(/ ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ ]*)/g)];
  assert.deepEqual(
    found.map(([, key]) => key),
    ["path", "trace_id", "parent_span_id", "message", "id", "name", "count"],
  );
  for (const [, key, value = ""] of found)
    if (["path", "message", "name"].includes(key ?? ""))
      assert.equal(value.startsWith('"') ? JSON.parse(value) : value, text);
}

function checkStyles(text: string): string {
  const parser = new AnsiParser();
  const copy = parser.clone();
  const styles = new Set<string>();
  for (const line of text.split("\n")) {
    const parts = parser.line(line);
    assert.deepEqual(copy.clone().line(line), parts, "a copy goes on differently");
    copy.line(line);
    for (const part of parts) {
      assert.ok(part.text !== "" && !part.text.includes("\x1b"), "a sequence is left in the text");
      assert.match(part.style, STYLE);
      for (const word of part.style.split(" ")) styles.add(word.replace(/\d/, ""));
    }
  }
  return `${Math.min(styles.size, 6)}`;
}

/** However it comes, it is the same lines. */
function checkLines(input: Buffer, text: string): number {
  const shownOf = (parts: readonly string[]): unknown => {
    const lines = new OutputLines();
    for (const data of parts) lines.add({ type: "stdout", data, seq: 0, ts: 0 });
    lines.finish();
    for (const line of lines.lines) assert.doesNotMatch(line.text, COMMANDS);
    return lines.lines.map((line) => [line.text, line.parts]);
  };
  const whole = shownOf([text]) as unknown[];
  const cut: string[] = [];
  let at = 0;
  for (const { length } of pieces(input, 9)) {
    cut.push(text.slice(at, at + length));
    at += length;
  }
  assert.deepEqual(shownOf(cut), whole);
  return Math.min(whole.length, 3);
}
