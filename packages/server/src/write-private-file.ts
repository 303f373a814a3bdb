import { open, rename, rm } from "node:fs/promises";

/**
 * Replaces a file in one step, readable by its owner alone: a reader sees the old content or the new, and neither a crash
 * nor a full disk leaves half of one.
 */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w", 0o600);
    try {
      // The mode above counts only where the file is new: one left by a crash may be another's idea of private.
      await file.chmod(0o600);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
