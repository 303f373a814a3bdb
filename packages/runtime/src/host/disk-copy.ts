import { type FileHandle, open, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { SandglassError } from "@sandglass/protocol";
import { runNative } from "./native-run.ts";

/** What the host keeps of its own: a disk that is full to the last byte takes the event log with it. */
const SPARE_BYTES = 256 * 1024 * 1024;

/**
 * Copies a sandbox's disk, as sparse as it is, to a new file.
 *
 * @param sync a directory of the sandbox whose file system is flushed first; "" for none
 * @throws SandglassError DISK_FULL, DRIVER_ERROR
 */
export async function copyDisk(
  from: FileHandle,
  to: string,
  sync: string,
  signal: AbortSignal,
): Promise<void> {
  const target = await open(to, "wx", 0o600);
  try {
    const { child, ended } = runNative(["copy", "3", "4", sync], [from.fd, target.fd], signal);
    child.stdout?.resume();
    const { code, said } = await ended;
    if (code === 0) return;
    if (/No space left|quota exceeded/i.test(said)) throw hostIsFull();
    throw new SandglassError("DRIVER_ERROR", `the sandbox's disk could not be copied: ${said || "killed"}`);
  } finally {
    await target.close();
  }
}

/** A sandbox's disk as it was at one moment, for as many sandboxes as it was made for. */
export class DiskSnapshot {
  readonly #path: string;
  readonly #copies: Promise<void>[] = [];
  #left: number;

  /** @param path of the host's, which it takes; nobody else may write to it */
  constructor(path: string, uses: number) {
    this.#path = path;
    this.#left = uses;
  }

  /** Puts the disk at `to`: a copy of it, or, as the last that is asked for, itself. */
  async give(to: string, signal: AbortSignal): Promise<void> {
    this.#left--;
    if (this.#left > 0) {
      const copied = this.#copy(to, signal);
      this.#copies.push(copied);
      return copied;
    }
    // Whoever has it writes to it.
    await Promise.allSettled(this.#copies);
    await rename(this.#path, to);
  }

  async remove(): Promise<void> {
    await Promise.allSettled(this.#copies);
    await rm(this.#path, { force: true });
  }

  async #copy(to: string, signal: AbortSignal): Promise<void> {
    const from = await open(this.#path, "r");
    try {
      await copyDisk(from, to, "", signal);
    } finally {
      await from.close();
    }
  }
}

/**
 * Refuses before anything is copied.
 *
 * @param usedBytes what the sandbox's own file system counts, some of which may not have reached the disk yet
 * @throws SandglassError DISK_FULL where the host has no room for so many copies
 */
export async function assertRoomFor(
  disk: FileHandle,
  usedBytes: number,
  copies: number,
  at: string,
): Promise<void> {
  const [{ blocks }, host] = await Promise.all([disk.stat(), statfs(dirname(at))]);
  const here = blocks * 512;
  const whole = Math.max(here, usedBytes);
  // What has not reached the disk yet takes room there too, once it is flushed.
  const wanted = whole * copies + (whole - here);
  if (wanted + SPARE_BYTES > host.bavail * host.bsize) throw hostIsFull();
}

function hostIsFull(): SandglassError {
  return new SandglassError("DISK_FULL", "the host's disk has no room for the copies", {
    hint: "ask for fewer, end sandboxes that are not needed, or remove files of this one first",
  });
}
