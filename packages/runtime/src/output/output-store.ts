import { existsSync, mkdirSync } from "node:fs";
import { open, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Cause, ExitEvent, RecordMode } from "@sandglass/protocol";
import { isExecId, isSandboxId } from "@sandglass/protocol";
import { encodeHeader, exitPayload, Kind, recordLine, SEGMENT_MAGIC } from "./record.ts";
import { readRecords } from "./segment-reader.ts";
import { SegmentWriter } from "./segment-writer.ts";

const BLOCK_BYTES = 128 * 1024;

/** The last line of a stream that had ended before the crash. */
export type KeptExit = Omit<ExitEvent, "seq" | "ts">;

/** What is kept of an exec: its bytes and, where it had ended by itself already, how. */
export interface SealedOutput {
  stdoutBytes: number;
  stderrBytes: number;
  exit?: KeptExit;
}

/**
 * `<dataDir>/output/<sandbox>.out`: what execs wrote, kept beside the event log until its own limit is reached. Of
 * sandboxes with `record: "metadata"` there is no file.
 */
export class OutputStore {
  readonly #dir: string;
  readonly #maxBytes: number;
  /** By sandbox: the last seal that was begun. */
  readonly #sealing = new Map<string, Promise<unknown>>();

  constructor(dir: string, maxBytes: number) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** The segment of a new sandbox. With `record: "metadata"` it is for those who follow, and nothing of it stays. */
  open({ id }: { id: string }, { record }: { record?: RecordMode } = {}): SegmentWriter {
    return new SegmentWriter(this.#path(id), { isNameless: record === "metadata" });
  }

  /** Blocks of lines of an exec; undefined where nothing of its sandbox is kept. */
  read(
    sandboxId: string,
    execId: string,
    after = -1,
    signal?: AbortSignal,
  ): AsyncIterable<string> | undefined {
    if (!isSandboxId(sandboxId) || !isExecId(execId)) return undefined;
    const path = this.#path(sandboxId);
    if (!existsSync(path)) return undefined;
    return (async function* () {
      let text = "";
      for await (const { record } of readRecords(path)) {
        if (signal?.aborted === true) return;
        if (record.execId !== execId || record.seq <= after) continue;
        text += recordLine(record);
        if (record.kind === Kind.exit) break;
        if (text.length < BLOCK_BYTES) continue;
        yield text;
        text = "";
      }
      if (text.length > 0) yield text;
    })();
  }

  /** See `RuntimeApi.sealOutput`. One at a time for each sandbox: its execs share a file. */
  seal(
    sandboxId: string,
    execId: string,
    ending: { code: number; cause: Cause; durationMs: number },
  ): Promise<SealedOutput> {
    const before = this.#sealing.get(sandboxId) ?? Promise.resolve();
    const sealed = before.then(() => this.#seal(sandboxId, execId, ending));
    const settled = sealed
      .catch(() => {}) // the caller has the error; the next one does not depend on it
      .then(() => {
        if (this.#sealing.get(sandboxId) === settled) this.#sealing.delete(sandboxId);
      });
    this.#sealing.set(sandboxId, settled);
    return sealed;
  }

  /** Removes what is kept of a sandbox. Returns its bytes; 0 where there is none. */
  async remove(sandboxId: string): Promise<number> {
    if (!isSandboxId(sandboxId)) return 0;
    await this.#sealing.get(sandboxId);
    const path = this.#path(sandboxId);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    await rm(path, { force: true });
    return found?.size ?? 0;
  }

  /** Removes the output that was longest not written to until what is kept fits. `live` ones stay. Returns the bytes removed. */
  async prune(live: ReadonlySet<string>): Promise<number> {
    const files: { path: string; sandboxId: string; bytes: number; writtenMs: number }[] = [];
    for (const name of await readdir(this.#dir)) {
      const sandboxId = name.replace(/\.out$/, "");
      if (!isSandboxId(sandboxId)) continue; // not ours
      const path = join(this.#dir, name);
      const { size, mtimeMs } = await stat(path);
      files.push({ path, sandboxId, bytes: size, writtenMs: mtimeMs });
    }
    files.sort((a, b) => a.writtenMs - b.writtenMs);
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    let removed = 0;
    for (const { path, sandboxId, bytes } of files) {
      if (total <= this.#maxBytes) break;
      if (live.has(sandboxId)) continue;
      await rm(path, { force: true });
      total -= bytes;
      removed += bytes;
    }
    return removed;
  }

  #path(sandboxId: string): string {
    return join(this.#dir, `${sandboxId}.out`);
  }

  /** A torn last record is cut away; an `exit` that is already there stays. */
  async #seal(
    sandboxId: string,
    execId: string,
    { code, cause, durationMs }: { code: number; cause: Cause; durationMs: number },
  ): Promise<SealedOutput> {
    const path = this.#path(sandboxId);
    const bytes: SealedOutput = { stdoutBytes: 0, stderrBytes: 0 };
    let end = 0;
    let seq = 0;
    if (existsSync(path)) {
      for await (const { record, next } of readRecords(path)) {
        end = next;
        if (record.execId !== execId) continue;
        seq = record.seq + 1;
        const stream = record.kind & 0x0f;
        if (stream === Kind.stdout) bytes.stdoutBytes += record.payload.length;
        if (stream === Kind.stderr) bytes.stderrBytes += record.payload.length;
        if (record.kind === Kind.exit) bytes.exit = JSON.parse(record.payload.toString("utf8")) as KeptExit;
      }
      if ((await stat(path)).size > end) await truncate(path, end);
    }
    if (bytes.exit !== undefined) return bytes;
    const file = await open(path, "a", 0o600);
    try {
      const exit = { type: "exit", data: code, code, signal: "SIGKILL", cause, durationMs, execId } as const;
      const payload = exitPayload(exit);
      const record = { execId, kind: Kind.exit, seq, ts: Date.now(), payload };
      await file.writev([...(end === 0 ? [SEGMENT_MAGIC] : []), encodeHeader(record), payload]);
    } finally {
      await file.close();
    }
    return bytes;
  }
}
