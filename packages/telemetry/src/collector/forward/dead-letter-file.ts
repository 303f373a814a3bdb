import { type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Signal } from "../../otlp/model.ts";

/** Above this the file is put aside once, as `.1`. */
const MAX_BYTES = 64 * 1024 * 1024;
/** One organisation must not push the letters of all others out of the file. */
const MAX_BYTES_EACH = 8 * 1024 * 1024;

export interface DeadLetter {
  readonly destinationId: string;
  readonly orgId: string;
  readonly sandboxId: string;
  readonly signal: Signal;
  readonly items: number;
  /** Without secrets. */
  readonly reason: string;
  readonly body: Uint8Array;
}

/**
 * Requests that a destination would not take, each with the reason, one JSON object a line:
 * `{"deadAt":"…","destinationId":"dst_…","orgId":"…","sandboxId":"…","signal":"traces","items":3,"reason":"…","body":"base64"}`.
 * The body is protobuf. Of one organisation at most 8 MiB are in a file; what is more is counted and not kept.
 */
export class DeadLetterFile {
  readonly path: string;
  /** Bytes in the file by organisation, of this run. */
  readonly #written = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** Resolves when the line is in the file; rejects with what the file system says. */
  write(letter: DeadLetter): Promise<void> {
    const done = this.#writing.then(() => this.#append(letter));
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #append({ body, ...head }: DeadLetter): Promise<void> {
    const encoded = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64");
    const line = `${JSON.stringify({ deadAt: new Date().toISOString(), ...head, body: encoded })}\n`;
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await this.#makeRoom();
    const written = (this.#written.get(head.orgId) ?? 0) + line.length;
    if (written > MAX_BYTES_EACH) return;
    const file = await open(this.path, "a+", 0o600);
    try {
      // What a full disk or a crash cut off is a line by itself, and takes no other with it.
      await file.writeFile((await isCutOff(file)) ? `\n${line}` : line);
    } finally {
      await file.close();
    }
    this.#written.set(head.orgId, written);
  }

  async #makeRoom(): Promise<void> {
    try {
      const { size } = await stat(this.path);
      if (size < MAX_BYTES) return;
      await rename(this.path, `${this.path}.1`);
      this.#written.clear();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

/** Whether the last line has no end. */
async function isCutOff(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}
