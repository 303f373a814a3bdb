import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeEvent } from "@sandglass/protocol";
import { type ExporterHarness, exporterContract, NO_NETWORK } from "@sandglass/testkit";
import { jsonl } from "./jsonl.ts";

const isRoot = process.getuid?.() === 0;

exporterContract("jsonl", {
  guarantees: { exactlyOnce: true, order: "total" },
  excused: {
    ...NO_NETWORK,
    unavailable: "a file is there or not; see pathGone and fullDisk",
    hang: "a disk that hangs cannot be had in a test",
    poison: "a file takes everything",
    ...(!isRoot && { fullDisk: "mounting a small tmpfs needs root" }),
  },
  start: async () => onSmallDisk(),
});

function onSmallDisk(): ExporterHarness {
  const disk = mkdtempSync(join(tmpdir(), "sandglass-jsonl-"));
  if (isRoot) execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
  const dir = join(disk, "events");
  const filePath = join(dir, "events.jsonl");
  mkdirSync(dir);
  return {
    definition: jsonl,
    config: () => ({ filePath, batchSize: 20, flushIntervalMs: 10 }),
    received: () => readEvents(filePath),
    async close() {
      if (isRoot) execFileSync("umount", [disk]);
      rmSync(disk, { recursive: true });
    },
    faults: {
      async pathGone() {
        const away = join(disk, "away");
        renameSync(dir, away);
        // A directory that is missing would be made again.
        writeFileSync(dir, "");
        return {
          async end() {
            rmSync(dir);
            renameSync(away, dir);
          },
        };
      },
      ...(isRoot && {
        async fullDisk() {
          const ballast = join(disk, "ballast");
          fill(ballast);
          return { end: async () => rmSync(ballast) };
        },
      }),
    },
  };
}

/** Every line is an event, whole: JSON.parse and the last newline see to that. */
async function readEvents(path: string): Promise<(RuntimeEvent & { event: RuntimeEvent })[]> {
  if (!existsSync(path)) return [];
  const lines = (await readFile(path, "utf8")).split("\n");
  if (lines.pop() !== "") throw new Error("the last line is torn");
  return lines.map((line) => {
    const event = JSON.parse(line) as RuntimeEvent;
    return { ...event, event };
  });
}

/** Takes the last byte there is. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const bytes of [64 * 1024, 4096, 1]) while (hasWritten(file, bytes));
  } finally {
    closeSync(file);
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
