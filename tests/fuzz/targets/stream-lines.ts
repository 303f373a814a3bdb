import assert from "node:assert/strict";
import { ExecOutput } from "../../../packages/runtime/src/output/exec-output.ts";
import { LineReader, MAX_LINE_BYTES } from "../../../packages/runtime/src/output/lines/line-reader.ts";
import { NdjsonParser } from "../../../packages/sdk/src/ndjson.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { pieces } from "./agent-frames.ts";

/** Of a line that a client takes; far below what the client itself allows. */
const MAX_NDJSON_BYTES = 1024;
const ROOM = 6;

/** What an exec writes: cut into the lines of its stream and of its log, and read back by a client. */
export const streamLines: FuzzTarget = {
  name: "stream-lines",
  watched: ["/runtime/src/output/", "/sdk/src/ndjson.ts"],
  words: [
    ...[
      "\n",
      "\r\n",
      "\r",
      "\n\n",
      "{}",
      '{"seq":0}',
      "[1,2]",
      "null",
      '"',
      "\\u0000",
      "\0",
      "ä",
      "€",
      "😀",
      "\ufeff",
    ],
    ...["\u2028", "1e999", "x".repeat(500)],
    ...[[0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xf5], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xff, 0xfe]].map(
      (bytes) => Buffer.from(bytes),
    ),
    Buffer.alloc(2000, "y"),
  ],
  seeds: [
    '{"type":"stdout","data":"a\\n","seq":0}\n{"type":"exit","code":0}\n',
    "one\r\ntwo\nthree",
    "äöü€😀",
  ],
  async check(input) {
    // Eight of them, so that lines are longer than what is kept of one.
    const long = Buffer.concat(Array.from({ length: 8 }, () => input));
    return [await checkExec(input), checkLog(long), checkClient(input)].join(" ");
  },
};

/** The bytes are all there, whole characters together, in lines numbered without a gap. */
async function checkExec(input: Buffer): Promise<string> {
  let granted = 0;
  const output = new ExecOutput({
    ...{
      execId: "exec_fuzz",
      segment: undefined,
      maxBytes: 1_000_000,
      onLimit: assert.fail,
      onKept: () => {},
    },
    onRoom: (bytes) => {
      granted += bytes;
    },
  });
  for (const piece of pieces(input, 50)) output.append("stdout", Buffer.from(piece));
  output.close();
  const { cause, ...exit } = { cause: "exited", type: "exit", data: 0, code: 0, durationMs: 1 } as const;
  output.appendExit({ ...exit, cause, execId: "exec_fuzz" });
  output.showExit();
  let text = "";
  for await (const lines of output.lines()) text += lines;
  const lines = new NdjsonParser<Record<string, unknown>>().push(Buffer.from(text));
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    lines.map((_, index) => index),
  );
  assert.equal(lines.at(-1)?.type, "exit");
  const bytes = lines.slice(0, -1).map(({ data, encoding }) => {
    assert.ok(encoding === "base64" || !String(data).includes("\ufffd") || input.includes("\ufffd"));
    return Buffer.from(String(data), encoding === "base64" ? "base64" : "utf8");
  });
  assert.deepEqual(Buffer.concat(bytes), input);
  assert.equal(granted, input.length, "credit that is not given back");
  return `${lines.some(({ encoding }) => encoding === "base64")}${Math.min(lines.length, 3)}`;
}

/** Lines are told, or counted; none is both or neither, however they come. */
function checkLog(input: Buffer): string {
  const read = (parts: readonly Buffer[], room: number): unknown[] => {
    const told: [string, number | undefined][] = [];
    let [lines, bytes] = [0, 0];
    const reader = new LineReader({
      hasRoom: () => told.length < room,
      line: (text, cut) => told.push([text, cut]),
      leftOut: (moreLines, moreBytes) => {
        lines += moreLines;
        bytes += moreBytes;
      },
    });
    for (const part of parts) reader.push(part);
    reader.finish();
    for (const [text] of told)
      assert.ok(Buffer.byteLength(text) <= 3 * MAX_LINE_BYTES && !text.includes("\n"));
    return [told, lines, bytes];
  };
  const all = read([input], Number.POSITIVE_INFINITY);
  assert.deepEqual(read(pieces(input, 70), Number.POSITIVE_INFINITY), all);
  const [told, lines] = read(pieces(input, 70), ROOM) as [unknown[], number];
  const total = input.length === 0 ? 0 : count(input) + (input.at(-1) === 10 ? 0 : 1);
  assert.equal((all[0] as unknown[]).length, total);
  assert.equal(told.length + lines, total, "a line is neither told nor counted");
  assert.deepEqual(told, (all[0] as unknown[]).slice(0, told.length));
  const isCut = (all[0] as [string, number | undefined][]).some(([, cut]) => cut !== undefined);
  return `${Math.min(total, 3)}${isCut}`;
}

function count(bytes: Buffer): number {
  let newlines = 0;
  for (const byte of bytes) if (byte === 10) newlines++;
  return newlines;
}

/** The values of the lines, up to one that is none: that is an error of the client's own, whatever the pieces. */
function checkClient(input: Buffer): string {
  const read = (parts: readonly Buffer[]): { values: unknown[]; error: string | undefined } => {
    const parser = new NdjsonParser<unknown>(MAX_NDJSON_BYTES);
    const values: unknown[] = [];
    try {
      for (const part of parts) values.push(...parser.push(part));
    } catch (error) {
      assert.equal((error as Error).name, "StreamError", String(error));
      return { values, error: (error as Error).message.replace(/:.*/s, "") };
    }
    return { values, error: undefined };
  };
  const lines = input.toString("utf8").split("\n").slice(0, -1);
  const isSound = lines.every((line) => line === "" || line === "\r" || parsed(line) !== undefined);
  const bytewise = read(pieces(input, 1));
  const whole = read([input]);
  if (whole.error === undefined && bytewise.error === undefined)
    assert.deepEqual(bytewise.values, whole.values);
  if (!isSound)
    assert.ok(whole.error !== undefined && bytewise.error !== undefined, "a line that is no JSON is taken");
  else if (input.length <= MAX_NDJSON_BYTES) assert.equal(bytewise.error ?? whole.error, undefined);
  return `${whole.error} ${Math.min(whole.values.length, 3)}`;
}

function parsed(line: string): unknown {
  try {
    return [JSON.parse(line)];
  } catch {
    return undefined; // none
  }
}
