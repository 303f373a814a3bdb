import { type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { LogEvent } from "./log-event.ts";

/** Above this the file is put aside once, as `.1`: a destination that refuses everything must not fill the disk. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * What a destination would not take, each with the reason, one JSON object a line:
 * `{"deadAt":"…","exporter":"axiom","reason":"…","event":{…}}`.
 */
export class DeadLetterFile {
  readonly path: string;
  readonly #exporter: string;
  readonly #toJson: (payload: Buffer) => string;
  #writing: Promise<void> = Promise.resolve();
  #hasWritten = false;

  /** @param toJson for a log whose records are not JSON */
  constructor(
    path: string,
    exporter: string,
    toJson = (payload: Buffer): string => payload.toString("utf8"),
  ) {
    this.path = path;
    this.#exporter = exporter;
    this.#toJson = toJson;
  }

  /** True once this run has put something into it. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Resolves when the lines are in the file; rejects with what the file system says, and nothing was lost by that. */
  write(letters: readonly { event: LogEvent; reason: string }[]): Promise<void> {
    const done = this.#writing.then(() => this.#append(letters));
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #append(letters: readonly { event: LogEvent; reason: string }[]): Promise<void> {
    const deadAt = new Date().toISOString();
    const lines = letters.map(({ event, reason }) => {
      const head = JSON.stringify({ deadAt, exporter: this.#exporter, reason });
      return `${head.slice(0, -1)},"event":${this.#toJson(event.payload)}}\n`;
    });
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await this.#makeRoom();
    const file = await open(this.path, "a+", 0o600);
    try {
      // What a full disk or a crash cut off is a line by itself, and takes no other with it.
      if (await isCutOff(file)) lines.unshift("\n");
      await file.writeFile(lines.join(""));
    } finally {
      await file.close();
    }
    this.#hasWritten = true;
  }

  async #makeRoom(): Promise<void> {
    try {
      const { size } = await stat(this.path);
      if (size >= MAX_BYTES) await rename(this.path, `${this.path}.1`);
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
