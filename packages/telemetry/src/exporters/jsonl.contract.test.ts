import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeEvent } from "@sandglass/protocol";
import { type ExporterHarness, exporterContract, NO_NETWORK, SmallDisk } from "@sandglass/testkit";
import { jsonl } from "./jsonl.ts";

const DISK_BYTES = 8 * 1024 * 1024;

exporterContract("jsonl", {
  guarantees: { exactlyOnce: true, order: "total" },
  mayRunInThread: true,
  excused: {
    ...NO_NETWORK,
    unavailable: "a file is there or not; see pathGone and fullDisk",
    hang: "a disk that hangs cannot be had in a test",
    poison: "a file takes everything",
    ...(!SmallDisk.isToBeHad && { fullDisk: "mounting a small disk needs root" }),
  },
  start: async () => jsonlHarness(),
});

function jsonlHarness(): ExporterHarness {
  const disk = SmallDisk.isToBeHad ? SmallDisk.mount(DISK_BYTES) : undefined;
  const home = disk?.path ?? mkdtempSync(join(tmpdir(), "sandglass-jsonl-"));
  const dir = join(home, "events");
  const filePath = join(dir, "events.jsonl");
  mkdirSync(dir);
  return {
    definition: jsonl,
    config: () => ({ filePath, batchSize: 20, flushIntervalMs: 10 }),
    received: () => readEvents(filePath),
    async close() {
      disk?.[Symbol.dispose]();
      rmSync(home, { recursive: true, force: true });
    },
    faults: {
      async pathGone() {
        const away = join(home, "away");
        renameSync(dir, away);
        // A directory that is missing would be made again.
        writeFileSync(dir, "");
        return {
          says: /EEXIST|ENOTDIR/,
          async end() {
            rmSync(dir);
            renameSync(away, dir);
          },
        };
      },
      ...(disk && {
        async fullDisk() {
          disk.fill();
          return { end: async () => disk.free() };
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
