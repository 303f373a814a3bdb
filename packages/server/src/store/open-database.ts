import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "./schema.ts";

/** How long a reader waits for the writer, in milliseconds; in WAL mode only around checkpoints. */
const BUSY_MS = 5_000;

/** 32 MiB: what is changed again and again goes from the write-ahead log to the file, which is waited for, once in so much. */
const CHECKPOINT_PAGES = 8192;

/** Why a store was begun anew. */
export type StoreReset = "damaged" | "newer";

/**
 * Opens the store for writing and brings it to this release's tables. What cannot be read, or was written by a newer release, is
 * removed and filled again from the log: it holds nothing that the log does not, or did not before its retention.
 *
 * @param onReset told of what was removed
 */
export function openDatabase(path: string, onReset: (reason: StoreReset) => void): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return openAndMigrate(path);
  } catch (error) {
    const reason = resetReason(error);
    if (reason === undefined) throw error;
    onReset(reason);
    removeDatabase(path);
    return openAndMigrate(path);
  }
}

/**
 * For queries: nothing it is asked can change anything. The store must be there.
 *
 * A thread that is to end does so where JavaScript runs next, and within a statement that is nowhere. So statements that may look
 * at many rows call `going()` now and then (see `Conditions`), which does nothing else.
 */
export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true });
  database.function("going", () => 1);
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA query_only = ON; PRAGMA cache_size = -16384;`);
  return database;
}

export function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
}

class NewerStore extends Error {}

function openAndMigrate(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA cache_size = -32768;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = 67108864;
    `);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: DatabaseSync): void {
  const { user_version: taken } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (taken > MIGRATIONS.length) throw new NewerStore();
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < taken) continue;
    database.exec("BEGIN");
    if (typeof step === "string") database.exec(step);
    else step(database);
    database.exec(`PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
  // A step may have written a table anew: the room of the old one is given back.
  if (taken > 0 && taken < MIGRATIONS.length) database.exec("PRAGMA incremental_vacuum");
  // A damaged file often opens well and fails at the first page that is looked at.
  database.prepare("SELECT position FROM progress").get();
}

/** SQLite's result codes: https://sqlite.org/rescode.html */
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function resetReason(error: unknown): StoreReset | undefined {
  if (error instanceof NewerStore) return "newer";
  return isDamage(error) ? "damaged" : undefined;
}

/** Whether SQLite found its file damaged, at opening or later. */
export function isDamage(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code !== undefined && [SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff);
}
