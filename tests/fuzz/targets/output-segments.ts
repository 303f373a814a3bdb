import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CAUSES } from "@sandglass/protocol";
import { OutputStore } from "../../../packages/runtime/src/output/output-store.ts";
import {
  encodeHeader,
  exitPayload,
  Kind,
  outputKind,
  RECORD_HEADER_BYTES,
  SEGMENT_MAGIC,
} from "../../../packages/runtime/src/output/record.ts";
import { NdjsonParser } from "../../../packages/sdk/src/ndjson.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const SANDBOX = "sbx_01k0000000000000000000000a";
const EXEC = "exec_01k0000000000000000000000b";
const OTHER = "exec_01k0000000000000000000000c";
const ID_AT = 17;
const ENDING = { code: 137, cause: "host_crash", durationMs: 5 } as const;

type Line = Record<string, unknown>;

let kept: { directory: string; store: OutputStore } | undefined;

function record(execId: string, kind: number, seq: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload as string);
  return Buffer.concat([
    encodeHeader({ execId, kind, seq, ts: 1_700_000_000_000 + seq, payload: bytes }),
    bytes,
  ]);
}

const EXIT = { type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1.5, execId: EXEC } as const;
const STDOUT = record(EXEC, Kind.stdout, 0, "hello\n");
const BINARY = record(EXEC, outputKind("stderr", Buffer.of(0xff)), 1, Buffer.of(0xff, 0));
const RESULT = record(EXEC, Kind.result, 2, '{"text/plain":"1"}');
const EXITED = record(EXEC, Kind.exit, 3, exitPayload(EXIT));
const OTHERS = record(OTHER, Kind.stdout, 0, "other");

/** What a disk has of the output of execs, damaged or not: read, ended as at the start behind a crash, and read again. */
export const outputSegments: FuzzTarget = {
  name: "output-segments",
  watched: [
    "/runtime/src/output/segment-reader.ts",
    "/runtime/src/output/record.ts",
    "/runtime/src/output/output-store.ts",
  ],
  words: [
    ...[SEGMENT_MAGIC, STDOUT, BINARY, RESULT, EXITED, OTHERS],
    ...[record(EXEC, Kind.exit, 9, "{}"), record(EXEC, 7, 1, "x"), record(EXEC, Kind.result, 1, "x")],
    ...[EXEC, "{}", "null", '"', "}", '"cause":"exited"', '"code":0', '"type":"exit"', "\ufeff", "ä"],
    ...[Buffer.of(0xff, 0xff, 0xff, 0xff), Buffer.of(0, 0, 0, 0, 0, 0, 0xf0, 0x7f), Buffer.alloc(8)],
  ],
  seeds: [
    Buffer.concat([SEGMENT_MAGIC, STDOUT, BINARY, OTHERS, RESULT, EXITED]),
    Buffer.concat([SEGMENT_MAGIC, OTHERS, STDOUT]),
    // Found, and mended: each of them made lines that are no JSON, or kept the daemon from starting.
    Buffer.concat([SEGMENT_MAGIC, record(EXEC, Kind.result, 0, "x")]),
    Buffer.concat([SEGMENT_MAGIC, record(EXEC, Kind.exit, 0, "{}")]),
    Buffer.concat([SEGMENT_MAGIC, record(EXEC, Kind.exit, 0, "x")]),
    Buffer.concat([SEGMENT_MAGIC, record(EXEC, Kind.stdout, 0xffff_ffff, "a")]),
    Buffer.concat([SEGMENT_MAGIC, withTime(STDOUT, Number.NaN)]),
  ],
  async check(input) {
    kept ??= begin();
    const { directory, store } = kept;
    const path = join(directory, `${SANDBOX}.out`);
    writeFileSync(path, input);
    const before = await linesOf(store, EXEC);
    assertNumbers(before, input);
    const others = await linesOf(store, OTHER);
    const { exit, ...bytes } = await store.seal(SANDBOX, EXEC, ENDING);
    const last = before.at(-1);
    assert.deepEqual(exit?.code, last?.type === "exit" ? last.code : undefined, "another ending");
    if (exit !== undefined) {
      assert.ok(
        CAUSES.includes(exit.cause) && Number.isFinite(exit.durationMs) && Number.isInteger(exit.code),
      );
    }
    const file = readFileSync(path);
    assert.ok(bytes.stdoutBytes + bytes.stderrBytes <= input.length);
    const after = await linesOf(store, EXEC);
    assert.deepEqual(after.slice(0, before.length), before, "what was there is not");
    assert.equal(after.length, before.length + (exit === undefined ? 1 : 0));
    assert.equal(after.at(-1)?.type, "exit");
    assert.deepEqual(await linesOf(store, OTHER), others, "what others wrote is not there");
    assert.deepEqual(
      (await store.seal(SANDBOX, EXEC, { ...ENDING, code: 1 })).exit?.code,
      after.at(-1)?.code,
    );
    assert.deepEqual(readFileSync(path), file, "what is sealed is written to");
    return `${Math.min(before.length, 3)} ${last?.type} ${Math.min(others.length, 2)} ${file.length - input.length > 0}`;
  },
  mend: withLengths,
  close() {
    if (kept !== undefined) rmSync(kept.directory, { recursive: true });
    kept = undefined;
    return Promise.resolve();
  },
};

function begin(): { directory: string; store: OutputStore } {
  const directory = join(mkdtempSync(join(tmpdir(), "sandglass-fuzz-")), "output");
  mkdirSync(directory);
  return { directory, store: new OutputStore(directory, 1e9) };
}

async function linesOf(store: OutputStore, execId: string): Promise<Line[]> {
  let text = "";
  for await (const block of store.read(SANDBOX, execId) ?? []) text += block;
  return new NdjsonParser<Line>().push(Buffer.from(text));
}

/** Every line is as the API promises, and its bytes are in the file. */
function assertNumbers(lines: readonly Line[], input: Buffer): void {
  for (const { type, data, encoding, seq, ts } of lines) {
    assert.ok(Number.isInteger(seq) && (seq as number) >= 0);
    assert.ok(Number.isFinite(ts), `at ${ts}`);
    assert.ok(["stdout", "stderr", "result", "exit"].includes(String(type)), String(type));
    if (type !== "stdout" && type !== "stderr") continue;
    const bytes = Buffer.from(String(data), encoding === "base64" ? "base64" : "utf8");
    assert.ok(input.includes(bytes) || String(data).includes("\ufffd"), "what nobody wrote");
  }
}

function withTime(bytes: Buffer, ts: number): Buffer {
  const other = Buffer.from(bytes);
  other.writeDoubleLE(ts, 9);
  return other;
}

/** Each record as long as it is: up to where the next begins. */
function withLengths(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  const begins: number[] = [];
  for (let at = bytes.indexOf("exec_"); at !== -1; at = bytes.indexOf("exec_", at + RECORD_HEADER_BYTES)) {
    const begin = at - ID_AT;
    if (begin >= (begins.at(-1) ?? SEGMENT_MAGIC.length - RECORD_HEADER_BYTES) + RECORD_HEADER_BYTES)
      begins.push(begin);
  }
  for (const [index, begin] of begins.entries()) {
    const end = begins[index + 1] ?? bytes.length;
    if (end - begin >= RECORD_HEADER_BYTES) bytes.writeUInt32LE(end - begin - RECORD_HEADER_BYTES, begin);
  }
  return bytes;
}
