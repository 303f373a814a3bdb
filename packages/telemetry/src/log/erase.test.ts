import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DurableLog } from "./durable-log.ts";
import { FedLog } from "./fed-log.ts";
import { ERASING_SUFFIX } from "./log-eraser.ts";
import type { LogItem } from "./log-reader.ts";
import { openTestLog, readAll, segmentFiles, temporaryDirectory } from "./testing/test-log.ts";

const NOTE = Buffer.from('{"deleted":{"seq":1}}');
const TOTAL = 60;
const secretOf = (n: number): string => (n % 3 === 0 ? `secret-${n}-${"s".repeat(200)}` : `plain-${n}`);

async function fill(log: DurableLog): Promise<void> {
  for (let n = 1; n <= TOTAL; n++) await log.append(`${secretOf(n)} ${"x".repeat(n * 7)}`);
}

function notesOf(from = 1): Map<number, Uint8Array> {
  const notes = new Map<number, Uint8Array>();
  for (let n = from; n <= TOTAL; n++) if (n % 3 === 0) notes.set(n, NOTE);
  return notes;
}

/** "12" for a record, "12-14 deleted" for a gap. */
function outline(items: readonly LogItem[]): string[] {
  return items.map((item) =>
    "gap" in item ? `${item.gap.from}-${item.gap.to} ${item.gap.reason}` : `${item.position}`,
  );
}

const EXPECTED = Array.from({ length: TOTAL }, (_, i) =>
  (i + 1) % 3 === 0 ? `${i + 1}-${i + 1} deleted` : `${i + 1}`,
);

function contains(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(text));
}

for (const durability of ["process", "power"] as const) {
  test(`what is erased is in no file, and everything else is where it was (${durability})`, async (t) => {
    const dir = temporaryDirectory(t);
    const opened = await openTestLog(t, { dir, durability, segmentBytes: 3_000 });
    await fill(opened.log);
    const { records, bytes } = await opened.log.erase(notesOf());
    assert.equal(records, TOTAL / 3);
    assert.ok(bytes > records * 200);
    assert.deepEqual(contains(dir, "secret-"), []);
    assert.deepEqual(outline(await readAll(opened.log)), EXPECTED);
    assert.equal(await opened.log.append("next"), TOTAL + 1);
    await opened.log.close();
    const again = await openTestLog(t, { dir, durability });
    assert.equal(again.log.recovery.corruptRecords + again.log.recovery.truncatedBytes, 0);
    assert.deepEqual(outline(await readAll(again.log)), [...EXPECTED, `${TOTAL + 1}`]);
    assert.deepEqual(
      await again.log.erase(notesOf()),
      { records: 0, bytes: 0 },
      "a second time finds nothing",
    );
    assert.equal(again.log.stats().corruptRecords, 0);
  });
}

test("a reader that has a file open, here or in another thread, gets nothing that was erased since", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  const fed = new FedLog("", false, () => assert.fail("nothing is damaged"));
  const feed = log.feed((update) => fed.apply(structuredClone(update)));
  for (const filler of "ab") await log.append(filler.repeat(1_200_000));
  await fill(log);
  feed.update();
  const readers = [log.readBatches({}), fed.readBatches({ from: 1 })];
  for (const reader of readers) assert.equal((await reader.next()).done, false, "each has the file open");
  const notes = new Map(Array.from({ length: TOTAL / 3 }, (_, i) => [3 * (i + 1) + 2, NOTE] as const));
  await log.erase(notes);
  feed.update();
  for (const reader of readers) {
    const rest: LogItem[] = [];
    for await (const items of reader) rest.push(...items);
    const texts = rest.flatMap((item) => ("payload" in item ? [item.payload.toString("latin1", 0, 10)] : []));
    assert.deepEqual(
      texts.filter((text) => text.startsWith("secret")),
      [],
    );
    assert.equal(texts.filter((text) => text.startsWith("plain")).length, (TOTAL * 2) / 3);
  }
});

test("bytes of others are erased with the seed of their log, and the last record's position is not given again", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir, holdsForeignBytes: true });
  await fill(log);
  await log.erase(notesOf(TOTAL));
  await log.close();
  const again = await openTestLog(t, { dir, holdsForeignBytes: true });
  assert.equal(again.log.recovery.truncatedBytes, 0);
  assert.equal(await again.log.append("next"), TOTAL + 1);
});

test("records are appended while others are erased, and none is lost", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t), segmentBytes: 2_000 });
  await fill(log);
  const erased = log.erase(notesOf());
  const appended: number[] = [];
  for (let n = 0; n < 200; n++) appended.push(await log.append(`late ${n}`));
  assert.equal((await erased).records, TOTAL / 3);
  const found = outline(await readAll(log));
  assert.deepEqual(found, [...EXPECTED, ...appended.map(String)]);
});

test("what a crash left of a segment that was being rewritten is removed at the next start", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir });
  await fill(log);
  await log.close();
  const [segment] = segmentFiles(dir);
  copyFileSync(segment!, segment! + ERASING_SUFFIX);
  const again = await openTestLog(t, { dir });
  await again.log.erase(notesOf());
  assert.deepEqual(contains(dir, "secret-"), []);
  assert.deepEqual(outline(await readAll(again.log)), EXPECTED);
});
