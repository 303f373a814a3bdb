import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Formatted, empty ext4 images, one a size, from which each sandbox gets a sparse copy as its disk: the size is a hard limit that
 * no process can pass, and ENOSPC is what the code inside sees, as on any machine.
 */
export class DiskImages {
  readonly #dir: string;
  readonly #making = new Map<number, Promise<string>>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Path of the image of `sizeMb`, made at first use. */
  get(sizeMb: number): Promise<string> {
    let image = this.#making.get(sizeMb);
    if (image === undefined) {
      image = this.#make(sizeMb);
      image.catch(() => this.#making.delete(sizeMb));
      this.#making.set(sizeMb, image);
    }
    return image;
  }

  async #make(sizeMb: number): Promise<string> {
    const path = join(this.#dir, `disk-${sizeMb}m.ext4`);
    if (existsSync(path)) return path;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const temporary = `${path}.new`;
    await rm(temporary, { force: true });
    const file = await open(temporary, "wx", 0o600);
    await file.truncate(sizeMb * 1024 * 1024);
    await file.close();
    // No journal and no reserve: nothing on it outlives the sandbox, and all of it belongs to the sandbox.
    await run(
      "mkfs.ext4",
      ["-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", temporary],
      {
        env: { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
      },
    );
    await rename(temporary, path);
    return path;
  }
}
