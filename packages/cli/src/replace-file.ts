import { chmod, type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Writes a file whole or not at all: beside the one that is there, which it takes the place of in the end, with its permission
 * bits. Links are followed. What cannot be replaced without being something else (a device or pipe, a file of another user
 * or with more than one name) is written in place.
 *
 * @returns bytes written
 * @throws Error that names the path where it cannot be written
 */
export async function replaceFile(path: string, content: Readable): Promise<number> {
  try {
    const target = await targetOf(path);
    if (target.isInPlace) return await pour(content, await open(target.path, "w"));
    return await replace(target.path, target.mode, content);
  } catch (error) {
    content.destroy();
    const { syscall, message } = error as NodeJS.ErrnoException;
    // Of a file of this machine, and not of the connection.
    if (syscall === undefined || !FILE_CALLS.has(syscall)) throw error;
    throw new Error(`${path} cannot be written: ${message.split(",")[0]}`, { cause: error });
  }
}

const FILE_CALLS: ReadonlySet<string> = new Set(["open", "write", "rename", "chmod", "stat", "realpath"]);

interface Target {
  path: string;
  isInPlace: boolean;
  /** Of the file that is replaced. */
  mode: number | undefined;
}

async function targetOf(path: string): Promise<Target> {
  const info = await stat(path).catch(unlessMissing);
  if (info === undefined) return { path, isInPlace: false, mode: undefined };
  const target = await realpath(path).catch(unlessMissing);
  const isOwn = info.uid === process.geteuid?.() && info.nlink === 1;
  // Below /dev and /proc, as in /dev/stdout, what is meant is the open file and not its name.
  const isInPlace = target === undefined || !info.isFile() || !isOwn || /^\/(dev|proc)\//.test(path);
  return { path: isInPlace ? path : target, isInPlace, mode: info.mode & 0o7777 };
}

async function replace(path: string, mode: number | undefined, content: Readable): Promise<number> {
  const beside = join(dirname(path), `.${basename(path).slice(0, 200)}.${process.pid}.tmp`);
  const file = await open(beside, "wx");
  try {
    const sizeBytes = await pour(content, file);
    if (mode !== undefined) await chmod(beside, mode);
    await rename(beside, path);
    return sizeBytes;
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function pour(content: Readable, file: FileHandle): Promise<number> {
  const writer = file.createWriteStream();
  await pipeline(content, writer);
  return writer.bytesWritten;
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
