import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of its own (tmpfs), small enough to be filled. Needs root: see {@link SmallDisk.isToBeHad}. */
export class SmallDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;

  /** Mounting one needs root. */
  static get isToBeHad(): boolean {
    return process.getuid?.() === 0;
  }

  /** @throws Error where it cannot be mounted */
  static mount(sizeBytes: number): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), "sandglass-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", path]);
    return new SmallDisk(path);
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes the last byte there is. */
  fill(): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (const bytes of [1024 * 1024, 4096, 1]) while (hasWritten(file, bytes));
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what {@link SmallDisk.fill} took. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Unmounts it; what is in it is gone. A file of it that is still open keeps it in memory until it is closed. */
  [Symbol.dispose](): void {
    execFileSync("umount", ["--lazy", this.path]);
    rmSync(this.path, { recursive: true });
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }
}

function hasWritten(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
