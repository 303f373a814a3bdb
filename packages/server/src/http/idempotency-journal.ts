import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writePrivateFile } from "../write-private-file.ts";

/** What a request made, by which its answer is found again. */
export interface Reference {
  sandboxId: string;
  execId?: string;
}

export interface JournalEntry {
  /** Hash of organisation, route and key. */
  id: string;
  /** Hash of path and body. */
  fingerprint: string;
  /** Unix time in milliseconds. */
  at: number;
  reference: Reference;
}

/**
 * Idempotency keys on disk, one JSON object a line in `idempotency.jsonl`. Not part of the event log: it is of use for a day, to
 * nobody but the daemon. Nothing waits for a line to be written: a crash that loses one ends the sandbox it names as well, so
 * that a retry finds it ended, and still runs nothing twice.
 */
export class IdempotencyJournal {
  readonly #file: FileHandle;
  readonly #onError: (error: unknown) => void;
  #pending = "";
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle, onError: (error: unknown) => void) {
    this.#file = file;
    this.#onError = onError;
  }

  /** Opens the journal with what is younger than `since` (Unix time in milliseconds), at most `limit` of it, newest last. */
  static async open(
    dataDir: string,
    since: number,
    limit: number,
    onError: (error: unknown) => void,
  ): Promise<{ journal: IdempotencyJournal; entries: JournalEntry[] }> {
    const path = join(dataDir, "idempotency.jsonl");
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const entries = text
      .split("\n")
      .map(parseEntry)
      .filter((entry) => entry !== undefined && entry.at > since)
      .slice(-limit) as JournalEntry[];
    // Written anew at every start: what is old goes, and so does a torn last line.
    await writePrivateFile(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    return { journal: new IdempotencyJournal(await open(path, "a", 0o600), onError), entries };
  }

  append(entry: JournalEntry): void {
    this.#pending += `${JSON.stringify(entry)}\n`;
    this.#writing ??= this.#writeAll();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#pending !== "") {
        const text = this.#pending;
        this.#pending = "";
        await this.#file.appendFile(text);
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#writing = undefined;
    }
  }
}

/** Undefined for a line that is torn or not ours. */
function parseEntry(line: string): JournalEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<JournalEntry> | null;
    const isWhole =
      typeof entry?.id === "string" &&
      typeof entry.fingerprint === "string" &&
      typeof entry.at === "number" &&
      typeof entry.reference?.sandboxId === "string";
    return isWhole ? (entry as JournalEntry) : undefined;
  } catch {
    return undefined;
  }
}
