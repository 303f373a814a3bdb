import { open, readdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Checkpoint } from "../../delivery/exporter.ts";
import { makeDirectory } from "../../make-directory.ts";
import { decodeMark, type FileMark } from "./file-mark.ts";
import { JsonlFile } from "./jsonl-file.ts";
import type { JsonlSettings } from "./jsonl-settings.ts";
import { RotatedFiles } from "./rotated-files.ts";

/**
 * Opens what stands at the configured path, and makes it and its directories where they are missing.
 *
 * @param isOurs see `JsonlFile.doubt`
 */
export async function openFile(settings: JsonlSettings, isOurs: boolean): Promise<JsonlFile> {
  await makeDirectoryOf(settings.path);
  const { file, isNew } = await JsonlFile.open(settings.path, settings.mode);
  try {
    if (isNew && settings.fsync) await syncDirectory(dirname(file.path));
    if (file.length > 0) file.doubt = { isOurs };
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens the file and takes away what a crash left in it behind the last commit: all that is given again.
 *
 * A batch is written, then the file may be put aside and a new one made, then the mark of the file that is current by then is
 * committed. So what was written and not committed is
 * - behind `length` of the marked file, at its path or wherever it was renamed to meanwhile, by us or by anybody else;
 * - or in a file that has no mark yet: another tool renamed, removed or emptied ours, and the first batch after that was cut
 *   short. The same goes for the very first batch of all. What is whose there is told by the lines themselves, when they are given
 *   again (see `findRepeated`).
 */
export async function resumeFile(
  settings: JsonlSettings,
  checkpoint: Checkpoint | undefined,
): Promise<JsonlFile> {
  const file = await openFile(settings, checkpoint !== undefined);
  try {
    const mark = decodeMark(checkpoint);
    if (checkpoint === undefined && !settings.append) {
      await file.cut(0);
      file.doubt = undefined;
    } else if (mark !== undefined && (await file.holds(mark))) {
      await file.cut(mark.length);
      file.doubt = undefined;
      file.isMarked = true;
    } else if (mark !== undefined) {
      await cutMoved(mark, file, settings);
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Cuts the marked file where it was renamed, in the directory where it was or in that of `current`. */
async function cutMoved(mark: FileMark, current: JsonlFile, settings: JsonlSettings): Promise<void> {
  const rotated = new RotatedFiles(mark.path, settings.rotateFiles, settings.gzip);
  for (const directory of new Set([dirname(mark.path), dirname(current.path)])) {
    for (const path of await filesIn(directory)) {
      const stats = await statIfThere(path);
      if (stats === undefined || !stats.isFile() || String(stats.ino) !== mark.ino) continue;
      if (stats.ino === current.ino && stats.dev === current.dev) continue;
      const file = await JsonlFile.openExisting(path);
      try {
        // Nothing proves a file that was empty at its mark, but nobody else gives such names.
        const isIt = mark.length === 0 ? rotated.includes(path) : await file.holds(mark);
        if (!isIt) continue;
        await file.cut(mark.length);
        if (mark.length === 0) await unlink(path);
      } finally {
        await file.close();
      }
    }
  }
}

async function makeDirectoryOf(path: string): Promise<void> {
  const directory = dirname(path);
  try {
    await makeDirectory(directory, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Error(`ENOTDIR: not a directory, '${directory}'`, { cause: error });
  }
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Undefined where there is nothing. */
export async function statIfThere(path: string) {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** So that names that were made or changed in it are there after a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
