import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

const COMPRESSED = ".gz";
const ENDING = /\.gz(\.[0-9a-f]{8}\.tmp)?$/;
const CHUNK_BYTES = 256 * 1024;

/**
 * Tells a rotated file from what this file makes of it: the original's name, and whether it is complete. What is not, and nobody is
 * at work on, is worth nothing.
 */
export function parseCompressed(name: string): {
  original: string;
  state: "plain" | "complete" | "unfinished";
} {
  const ending = ENDING.exec(name);
  if (ending === null) return { original: name, state: "plain" };
  return {
    original: name.slice(0, ending.index),
    state: ending[1] === undefined ? "complete" : "unfinished",
  };
}

/**
 * Puts `<path>.gz` in the place of `path`, piece by piece and off the main thread. The original goes when the other one is complete, has
 * its name and is on disk: at any moment all is there. Throws what the file system throws, and leaves the original then.
 */
export async function compressFile(path: string): Promise<void> {
  // A name of its own: somebody who was given up may still be at work on the same file.
  const unfinished = `${path}${COMPRESSED}.${randomBytes(4).toString("hex")}.tmp`;
  const source = await open(path, "r");
  try {
    const { mode } = await source.stat();
    await writeCompressed(source, unfinished, mode & 0o777);
  } finally {
    await source.close();
  }
  await rename(unfinished, path + COMPRESSED);
  await unlink(path);
}

async function writeCompressed(source: FileHandle, path: string, mode: number): Promise<void> {
  const target = await open(path, "w", mode);
  try {
    await target.chmod(mode);
    await pipeline(
      source.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES }),
      createGzip({ chunkSize: CHUNK_BYTES }),
      (packed) => target.writeFile(packed),
    );
    await target.datasync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await target.close();
  }
}
