import { accessSync, constants, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SandglassError } from "@sandglass/protocol";

const MAX_LINKS = 40;

/**
 * The file that an absolute path leads to, links followed; neither it nor its directories need be there. What two paths to one file
 * have in common. Throws what the file system throws, but not ENOENT.
 */
export function resolveTarget(path: string): string {
  let target = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    if (!lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) {
      return join(resolveDirectory(dirname(target)), basename(target));
    }
    target = resolve(dirname(target), readlinkSync(target));
  }
  throw new Error(`ELOOP: too many symbolic links, '${path}'`);
}

function resolveDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return join(resolveDirectory(dirname(path)), basename(path));
  }
}

/**
 * Checks what can be known without writing: that `target` is a regular file that may be written, or can be made.
 *
 * @param isRotated its directory has to take new names
 * @throws SandglassError INVALID_REQUEST that says what is wrong with `filePath`
 */
export function checkWritable(target: string, isRotated: boolean): void {
  const file = statIfThere(target);
  if (file?.isDirectory()) throw bad(`${target} is a directory`, "name a file in it");
  if (file && !file.isFile()) {
    throw bad(
      `${target} is no regular file`,
      "for the daemon's own output use the provider console with stream: stdout or stderr",
    );
  }
  if (file) checkAccess(target, constants.R_OK | constants.W_OK, `${target} cannot be read and written`);
  if (file && !isRotated) return;
  let directory = dirname(target);
  while (statIfThere(directory) === undefined && directory !== dirname(directory)) {
    directory = dirname(directory);
  }
  if (!statIfThere(directory)?.isDirectory()) throw bad(`${directory} is no directory`);
  const purpose = file ? "rotated files have no place there" : "the file cannot be made there";
  checkAccess(directory, constants.W_OK | constants.X_OK, `${directory} cannot be written to: ${purpose}`, {
    hint: file ? "rotateSizeBytes: 0 leaves rotation to another tool" : undefined,
  });
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}

function checkAccess(
  path: string,
  mode: number,
  problem: string,
  { hint }: { hint?: string | undefined } = {},
) {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw bad(`${problem} (${(error as NodeJS.ErrnoException).code})`, hint);
  }
}

function bad(problem: string, hint?: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `filePath: ${problem}`, { hint });
}
