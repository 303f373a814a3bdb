import { chmod, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "./make-directory.ts";
import { writePrivateFile } from "./write-private-file.ts";

/** Of the data directory's layout as a whole. Segments of the log carry versions of their own beside it. */
const DATA_FORMAT = 1;
/** Whatever is above it is no directory, or none that others can make directories in. */
const CANNOT_BE_MADE = new Set(["ENOENT", "ENOTDIR", "EEXIST", "ELOOP", "ENAMETOOLONG", "EINVAL"]);

/**
 * Makes the data directory, or checks that it is one of ours and of a version we can read. Version 1 is the first, so there
 * is none to upgrade from; a later one upgrades here, before anything else opens the directory.
 *
 * @param version of this program, noted for whoever reads the file later
 * @throws Error saying what the directory is instead and what to do
 */
export async function prepareDataDir(dataDir: string, version: string): Promise<void> {
  await makeDirectory(dataDir, 0o700).catch((error: NodeJS.ErrnoException) => {
    if (!CANNOT_BE_MADE.has(error.code ?? "")) throw error;
    const what = `the data directory ${dataDir} cannot be made (${error.code})`;
    throw new Error(`${what}; choose another with --data-dir`);
  });
  const path = join(dataDir, "format.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) {
    const entries = await readdir(dataDir);
    // A crash between the two writes leaves only the temporary file.
    if (entries.some((entry) => !entry.startsWith("format.json."))) {
      throw new Error(
        `${dataDir} holds other files and no Sandglass data; choose an empty directory with --data-dir`,
      );
    }
    await chmod(dataDir, 0o700);
    const content = { format: DATA_FORMAT, createdBy: version, createdAt: new Date().toISOString() };
    await writePrivateFile(path, `${JSON.stringify(content)}\n`);
    return;
  }
  const format = formatOf(text);
  if (format === DATA_FORMAT) return;
  if (format === undefined)
    throw new Error(`${path} is damaged; restore it, or choose another directory with --data-dir`);
  throw new Error(
    `${dataDir} has data format ${format}, and this version (${version}) reads format ${DATA_FORMAT}; use the version that wrote it, or another directory with --data-dir`,
  );
}

function formatOf(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown };
    return Number.isInteger(format) ? (format as number) : undefined;
  } catch {
    return undefined;
  }
}
