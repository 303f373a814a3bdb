import { mkdirSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { LedgerEntry } from "./open-work.ts";

const CHECKPOINT_VERSION = 2;

export interface Checkpoint {
  /** Everything up to this position of the log is in `ledger`. */
  position: number;
  /** See `OpenWork.lastSeenAt`. */
  lastSeenAt: string;
  ledger: LedgerEntry[];
}

/**
 * `state/open.json`: what is open at a position of the log, so that a start reads the log's tail only. Nothing but a
 * shortcut: without it, or with one that cannot be used, everything that is kept is read.
 */
export class CheckpointFile {
  readonly #path: string;

  constructor(dataDir: string) {
    const dir = join(dataDir, "state");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#path = join(dir, "open.json");
  }

  /** Undefined where there is none, it cannot be understood, or it is ahead of a log that lost its tail. */
  load(lastPosition: number): Checkpoint | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const checkpoint = parse(text);
    return checkpoint && checkpoint.position <= lastPosition ? checkpoint : undefined;
  }

  /** Whole or not at all: written beside, synced, renamed. */
  async save(checkpoint: Checkpoint): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify({ version: CHECKPOINT_VERSION, ...checkpoint }));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}

function parse(text: string): Checkpoint | undefined {
  try {
    const value = JSON.parse(text) as (Partial<Checkpoint> & { version?: number }) | null;
    if (value?.version !== CHECKPOINT_VERSION) return undefined;
    const { position, lastSeenAt, ledger } = value;
    if (!Number.isSafeInteger(position) || typeof lastSeenAt !== "string" || !Array.isArray(ledger))
      return undefined;
    return { position: position!, lastSeenAt, ledger };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
