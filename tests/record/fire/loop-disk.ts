import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 ** 2;

/** A file system of its own (ext4 on a loop device), to be filled up and to be broken. Needs root. */
export class LoopDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #home: string;

  /** @throws Error where it cannot be made */
  static mount(sizeMib: number): LoopDisk {
    const disk = new LoopDisk(mkdtempSync("/tmp/sg-disk-"));
    const file = openSync(disk.#image, "w");
    ftruncateSync(file, sizeMib * MIB);
    closeSync(file);
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    execFileSync("mkfs.ext4", ["-q", "-m", "0", disk.#image], { env });
    mkdirSync(disk.path);
    execFileSync("mount", ["-o", "loop", disk.#image, disk.path]);
    return disk;
  }

  private constructor(home: string) {
    this.#home = home;
    this.path = join(home, "m");
  }

  /** Takes the last byte there is. */
  fill(): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (const bytes of [MIB, 4096, 1]) while (hasWritten(file, bytes));
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what {@link LoopDisk.fill} took. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** What an error of the device does to it: read-only from now on, whoever has a file open. */
  fail(): void {
    execFileSync("mount", ["-o", "remount,abort", this.path]);
  }

  [Symbol.dispose](): void {
    execFileSync("umount", ["--lazy", this.path]);
    rmSync(this.#home, { recursive: true, force: true });
  }

  get #image(): string {
    return join(this.#home, "image");
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
