import { open, readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import type { Readable } from "node:stream";
import { makeDirectory } from "@sandglass/server/make-directory";
import { type Files, SandglassError } from "sandglass";
import { UsageError } from "./exit-codes.ts";
import { replaceFile } from "./replace-file.ts";

export interface CopyOptions {
  isRecursive: boolean;
  signal: AbortSignal;
  /** Told of each path that is not copied: a link may lead anywhere, and devices and pipes are no content. */
  onLeftOut: (path: string) => void;
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
  const info = await stat(from).catch((error: Error) => refuseReading(from, error));
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
    else options.onLeftOut(path);
  }
  return copied;
}

/** Copies what comes until its end into a file of a sandbox. */
export async function copyIn(
  files: Files,
  content: Readable,
  to: string,
  signal: AbortSignal,
): Promise<CopiedFile[]> {
  if (to.endsWith("/") || (await isDirectoryInside(files, to)))
    throw new UsageError(`what comes from stdin has no name: say the file's behind ${to}`);
  const { path, sizeBytes } = await files.write(to, content, { signal });
  return [{ path, sizeBytes }];
}

/** Copies a file of a sandbox to where `write` puts it. */
export async function copyOut(
  files: Files,
  from: string,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { type } = await files.stat(from, { signal });
  if (type === "directory") throw new UsageError(`${from} is a directory: stdout takes one file`);
  for await (const chunk of await files.readStream(from, { signal })) await write(chunk);
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
    else if (entry.type === "file") copied.push(await download(files, source, target, options));
    else options.onLeftOut(source);
  }
  return copied;
}

async function upload(files: Files, from: string, to: string, { signal }: CopyOptions): Promise<CopiedFile> {
  const file = await open(from).catch((error: Error) => refuseReading(from, error));
  const { mode } = await file.stat();
  const { path, sizeBytes } = await files.write(to, file.createReadStream(), { mode: mode & 0o777, signal });
  return { path, sizeBytes };
}

async function download(
  files: Files,
  from: string,
  to: string,
  { signal }: CopyOptions,
): Promise<CopiedFile> {
  // Nothing here is touched before the sandbox has answered.
  const content = await files.readStream(from, { signal });
  return { path: to, sizeBytes: await replaceFile(to, content) };
}

function refuseReading(path: string, error: Error): never {
  throw new UsageError(`${path} cannot be read: ${error.message.split(",")[0]}`);
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
