import { createReadStream, createWriteStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { makeDirectory } from "@sandglass/server/make-directory";
import { type Files, SandglassError } from "sandglass";
import { UsageError } from "./exit-codes.ts";

export interface CopyOptions {
  isRecursive: boolean;
  signal: AbortSignal;
}
/** What was copied; `path` where it is now. */
export interface CopiedFile {
  path: string;
  sizeBytes: number;
}

/** Copies a file or directory of this machine into a sandbox, with its permission bits. */
export async function copyUp(
  files: Files,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<CopiedFile[]> {
  const info = await stat(from).catch((error: Error) => {
    throw new UsageError(`${from} cannot be read: ${error.message}`);
  });
  const isInto = to.endsWith("/") || (await isDirectoryInside(files, to));
  const target = isInto ? posix.join(to, basename(from)) : to;
  if (!info.isDirectory()) return [await upload(files, from, target, options)];
  if (!options.isRecursive) throw new UsageError(`${from} is a directory: use -r`);
  await files.mkdir(target, options);
  const copied: CopiedFile[] = [];
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const below = posix.join(target, path.slice(from.replace(/\/+$/, "").length));
    if (entry.isDirectory()) await files.mkdir(below, options);
    else if (entry.isFile()) copied.push(await upload(files, path, below, options));
  }
  return copied;
}

/** Copies a file or directory of a sandbox to this machine. */
export async function copyDown(
  files: Files,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<CopiedFile[]> {
  const info = await files.stat(from, options);
  const isInto = to.endsWith("/") || (await isDirectoryHere(to));
  const target = isInto ? join(to, safeName(info.name)) : to;
  if (info.type !== "directory") return [await download(files, from, target, options)];
  if (!options.isRecursive) throw new UsageError(`${from} is a directory: use -r`);
  return downloadDirectory(files, info.path, target, options);
}

async function downloadDirectory(
  files: Files,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<CopiedFile[]> {
  await makeDirectory(to);
  const copied: CopiedFile[] = [];
  for (const entry of await files.list(from, options)) {
    const target = join(to, safeName(entry.name));
    const source = posix.join(from, entry.name);
    if (entry.type === "directory") copied.push(...(await downloadDirectory(files, source, target, options)));
    // A link may lead anywhere, and devices are no content.
    else if (entry.type === "file") copied.push(await download(files, source, target, options));
  }
  return copied;
}

async function upload(files: Files, from: string, to: string, { signal }: CopyOptions): Promise<CopiedFile> {
  const { mode } = await stat(from);
  const { path, sizeBytes } = await files.write(to, createReadStream(from), { mode: mode & 0o777, signal });
  return { path, sizeBytes };
}

async function download(
  files: Files,
  from: string,
  to: string,
  { signal }: CopyOptions,
): Promise<CopiedFile> {
  const writer = createWriteStream(to);
  await pipeline(await files.readStream(from, { signal }), writer);
  return { path: to, sizeBytes: writer.bytesWritten };
}

/** A sandbox names its files; a name must not lead out of the directory that it is copied into. */
function safeName(name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new SandglassError(
      "FILE_ERROR",
      `the sandbox names a file ${JSON.stringify(name)}, which is no name of a file`,
    );
  }
  return name;
}

async function isDirectoryInside(files: Files, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)).type === "directory";
  } catch (error) {
    if (error instanceof SandglassError && error.code === "FILE_NOT_FOUND") return false;
    throw error;
  }
}

async function isDirectoryHere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
