import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import type { StoreWriter } from "../store-writer.ts";
import type { EraseRequest, EraseResult } from "./erase-request.ts";

/** How often, and how long apart, it is tried to empty the write-ahead log while somebody reads. */
const CHECKPOINT_TRIES = 100;
const CHECKPOINT_RETRY_MS = 50;

/**
 * Deletes rows so that nothing of them is left in the database's files: the file is written anew without them (what SQLite sets free
 * keeps its content, in pages that are in use too), and the write-ahead log, which has the pages as they were, is emptied.
 *
 * @throws what SQLite says; Error where readers never let the write-ahead log be emptied. Then it can be tried again.
 */
export async function eraseFromStore(
  database: DatabaseSync,
  writer: StoreWriter,
  request: EraseRequest,
): Promise<EraseResult> {
  const result = writer.erase(request);
  if (result.rows === 0 && !request.mustVacuum) return result;
  // The words of what was deleted stay in an index until its parts are merged.
  for (const index of ["logs_text", "events_text", "traces_attributes"]) {
    database.exec(`INSERT INTO ${index} (${index}) VALUES ('optimize')`);
  }
  database.exec("VACUUM");
  for (let tries = 0; tries < CHECKPOINT_TRIES; tries++) {
    const { busy } = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
    if (busy === 0) return result;
    await delay(CHECKPOINT_RETRY_MS);
  }
  throw new Error("readers kept the store's write-ahead log from being emptied");
}
