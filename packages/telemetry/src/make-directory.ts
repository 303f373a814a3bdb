import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it that are missing; one that is there stays as it is. Unlike `mkdir` with `recursive`, it ends where
 * the file system has a directory and lets nobody make another in it: Node tries that for ever below `/proc`.
 *
 * @param mode of what is made; default as the process has it, by its umask
 * @throws the file system's error, of the first directory that could not be made
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (await isDirectory(path)) return;
    const above = dirname(path);
    // Whoever is told that it is not there although what is above it is cannot make it.
    if (code !== "ENOENT" || above === path || (await isDirectory(above))) throw error;
    await makeDirectory(above, mode);
    await makeOnce(path, mode);
  }
}

/** Another process may have been quicker. */
async function makeOnce(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (!(await isDirectory(path))) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}
