import { existsSync, mkdirSync } from "node:fs";
import { open, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Cause } from "@sandglass/protocol";
import { isExecId, isSandboxId } from "@sandglass/protocol";
import { encodeRecord, exitPayload, Kind, recordLine, SEGMENT_MAGIC } from "./record.ts";
import { readRecords } from "./segment-reader.ts";

const BLOCK_BYTES = 128 * 1024;

/** `<dataDir>/output/<sandbox>/<exec>.out`: what execs wrote, kept beside the event log until its own limit is reached. */
export class OutputStore {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #known = new Set<string>();

  constructor(dir: string, maxBytes: number) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** Where the segment of a new exec goes. */
  pathFor(sandboxId: string, execId: string): string {
    const dir = join(this.#dir, sandboxId);
    if (!this.#known.has(sandboxId)) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      this.#known.add(sandboxId);
    }
    return join(dir, `${execId}.out`);
  }

  forget(sandboxId: string): void {
    this.#known.delete(sandboxId);
  }

  /** Blocks of lines of a finished exec; undefined where nothing is kept. */
  read(
    sandboxId: string,
    execId: string,
    after = -1,
    signal?: AbortSignal,
  ): AsyncIterable<string> | undefined {
    if (!isSandboxId(sandboxId) || !isExecId(execId)) return undefined;
    const path = join(this.#dir, sandboxId, `${execId}.out`);
    if (!existsSync(path)) return undefined;
    return (async function* () {
      let text = "";
      for await (const { record } of readRecords(path)) {
        if (signal?.aborted === true) return;
        if (record.seq <= after) continue;
        text += recordLine(record);
        if (text.length < BLOCK_BYTES) continue;
        yield text;
        text = "";
      }
      if (text.length > 0) yield text;
    })();
  }

  /** See `RuntimeApi.sealOutput`. A torn last record is cut away; an `exit` that is already there stays. */
  async seal(
    sandboxId: string,
    execId: string,
    ending: { code: number; cause: Cause; durationMs: number },
  ): Promise<{ stdoutBytes: number; stderrBytes: number }> {
    const path = this.pathFor(sandboxId, execId);
    const bytes = { stdoutBytes: 0, stderrBytes: 0 };
    let end = 0;
    let seq = 0;
    let hasExit = false;
    if (existsSync(path)) {
      for await (const { record, next } of readRecords(path)) {
        end = next;
        seq = record.seq + 1;
        const stream = record.kind & 0x0f;
        if (stream === Kind.stdout) bytes.stdoutBytes += record.payload.length;
        if (stream === Kind.stderr) bytes.stderrBytes += record.payload.length;
        hasExit ||= record.kind === Kind.exit;
      }
      await truncate(path, end);
    }
    if (hasExit) return bytes;
    const file = await open(path, "a", 0o600);
    try {
      const payload = exitPayload({
        type: "exit",
        data: ending.code,
        code: ending.code,
        signal: "SIGKILL",
        cause: ending.cause,
        durationMs: ending.durationMs,
        execId,
      });
      const head = end === 0 ? [SEGMENT_MAGIC] : [];
      await file.writev([...head, encodeRecord(Kind.exit, seq, Date.now(), payload), payload]);
    } finally {
      await file.close();
    }
    return bytes;
  }

  /** Removes the oldest sandboxes' output until what is kept fits. `live` ones stay. Returns the bytes removed. */
  async prune(live: ReadonlySet<string>): Promise<number> {
    const sizes: { sandboxId: string; bytes: number }[] = [];
    for (const sandboxId of (await readdir(this.#dir)).sort()) {
      let bytes = 0;
      for (const name of await readdir(join(this.#dir, sandboxId)))
        bytes += (await stat(join(this.#dir, sandboxId, name))).size;
      sizes.push({ sandboxId, bytes });
    }
    let total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    let removed = 0;
    for (const { sandboxId, bytes } of sizes) {
      if (total <= this.#maxBytes) break;
      if (live.has(sandboxId)) continue;
      await rm(join(this.#dir, sandboxId), { recursive: true, force: true });
      total -= bytes;
      removed += bytes;
    }
    return removed;
  }
}
