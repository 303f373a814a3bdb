import assert from "node:assert/strict";
import { openSync, writeSync } from "node:fs";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { DurableLog } from "./durable-log.ts";
import type { LogItem } from "./log-reader.ts";
import {
  appendMany,
  openTestLog,
  readAll,
  seededRandom,
  segmentFiles,
  summarize,
  temporaryDirectory,
  textAt,
} from "./testing/test-log.ts";

/** Makes what stands in the last segment's file, behind its header, unreadable. */
function ruin(dir: string, bytes: number): void {
  const fd = openSync(segmentFiles(dir).at(-1)!, "r+");
  writeSync(fd, Buffer.alloc(bytes, 0x2e), 0, bytes, 32);
}

function payloads(items: readonly LogItem[]): string[] {
  return items.map((item) => ("gap" in item ? `gap of ${item.gap.reason}` : item.payload.toString()));
}

test("what was written last is read from memory, and the rest from the file", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir, recentBytes: 1_000 });
  await appendMany(log, 100, "record", 80);
  ruin(dir, 4_000);
  assert.deepEqual(summarize(await readAll(log, 95)), [95, 96, 97, 98, 99, 100]);
  assert.deepEqual(summarize(await readAll(log)).slice(0, 1), ["1-37 corrupt"]);
});

for (const durability of ["process", "power"] as const) {
  test(`readers get every record as it was written, however far behind they are (${durability})`, async (t) => {
    const dir = temporaryDirectory(t);
    const { log } = await openTestLog(t, { dir, durability, segmentBytes: 9_000, recentBytes: 1_500 });
    const random = seededRandom(9);
    const total = 1_500;
    const expected: string[] = [];
    const readers = [0, 1, 12].map((pauses) => follow(log, total, pauses));
    while (log.nextPosition <= total) {
      const appends: Promise<number>[] = [];
      for (let i = 1 + random(12); i > 0 && log.nextPosition <= total; i--) {
        // Some are larger than all that is kept.
        const text = textAt(log.nextPosition, "record", random(40) === 0 ? 3_000 : random(150));
        expected.push(text);
        appends.push(log.append(text));
      }
      await Promise.all(appends);
      await turn();
    }
    for (const read of await Promise.all(readers)) assert.deepEqual(payloads(read), expected);
  });
}

/** To position `last`. @param pauses turns of the event loop that it stands still for between chunks */
async function follow(log: DurableLog, last: number, pauses: number): Promise<LogItem[]> {
  const read: LogItem[] = [];
  for await (const items of log.readBatches({ from: 1, to: last, follow: true })) {
    read.push(...items);
    for (let times = 0; times < pauses; times++) await turn();
  }
  return read;
}

test("what is erased is not in memory either", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t), recentBytes: 100_000 });
  await appendMany(log, 5);
  await log.erase(new Map([[5, Buffer.from("gone")]]));
  await appendMany(log, 1);
  assert.deepEqual(summarize(await readAll(log)), [1, 2, 3, 4, "5-5 deleted", 6]);
});
