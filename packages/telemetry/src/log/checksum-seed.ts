import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SandglassError } from "@sandglass/protocol";

const FILE = "checksum-seed";

/**
 * The seed of a log's checksums, made where the log is new. Throws LOG_UNAVAILABLE where the file does not hold one: with another
 * seed every record would look damaged, and be cut away.
 */
export function checksumSeed(dir: string): number {
  const path = join(dir, FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    text = randomBytes(4).toString("hex");
    writeDurably(dir, path, text);
  }
  if (!/^[0-9a-f]{8}$/.test(text)) {
    throw new SandglassError("LOG_UNAVAILABLE", `${path} does not hold the log's seed`, {
      hint: `put the file back from a backup, or move ${dir} away to begin a new log`,
    });
  }
  return Number.parseInt(text, 16);
}

/** On disk whole before the first record is. */
function writeDurably(dir: string, path: string, text: string): void {
  const file = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const directory = openSync(dir, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
