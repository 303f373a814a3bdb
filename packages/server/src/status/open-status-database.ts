import { closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDamage } from "../store/open-database.ts";
import { MIGRATIONS } from "./schema.ts";

class Unusable extends Error {}

/**
 * Opens the database and brings it to this release's tables. It is the only copy of what it holds: one that is damaged, or was
 * written by a newer release, is put aside whole, and a new one begun.
 *
 * @param onSetAside told why, and where it is now
 */
export function openStatusDatabase(
  path: string,
  onSetAside: (reason: string, asidePath: string) => void,
): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return openAndMigrate(path);
  } catch (error) {
    if (!(error instanceof Unusable) && !isDamage(error)) throw error;
    const aside = `${path}.set-aside-${new Date().toISOString().replaceAll(":", "")}`;
    for (const suffix of ["", "-wal", "-shm"]) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    onSetAside((error as Error).message, aside);
    return openAndMigrate(path);
  }
}

function openAndMigrate(path: string): DatabaseSync {
  // SQLite gives its own files the mode of this one.
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      PRAGMA busy_timeout = 5000;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA foreign_keys = OFF;
      PRAGMA secure_delete = ON;
    `);
    const { user_version: taken } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (taken > MIGRATIONS.length) throw new Unusable("a newer release wrote it");
    // A damaged file often opens well and fails at the page that is looked at much later. Small enough to be read through.
    const { quick_check: finding } = database.prepare("PRAGMA quick_check(1)").get() as {
      quick_check: string;
    };
    if (finding !== "ok") throw new Unusable("it is damaged");
    for (const [index, step] of MIGRATIONS.entries()) {
      if (index >= taken) database.exec(`BEGIN; ${step}; PRAGMA user_version = ${index + 1}; COMMIT;`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
