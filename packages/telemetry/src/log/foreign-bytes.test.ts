import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DurableLog } from "./durable-log.ts";
import { FRAME_HEADER_BYTES, sealFrame } from "./frame.ts";

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "foreign-bytes-"));
});
after(() => rm(root, { recursive: true, force: true }));

/** A payload that looks like a record of the log, as who does not know its seed can make one. */
function forged(position: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  payload.copy(frame, FRAME_HEADER_BYTES);
  sealFrame(frame, 0, payload.length, position);
  return frame;
}

/** Damages the first record's length, so that readers look for the next frame inside its payload. */
function damageFirst(dir: string): void {
  const name = readdirSync(dir).find((file) => file.endsWith(".seg")) ?? "";
  const bytes = readFileSync(join(dir, name));
  bytes[32 + 5] = 0x7f;
  writeFileSync(join(dir, name), bytes);
}

async function textsOf(dir: string, holdsForeignBytes: boolean): Promise<string[]> {
  const log = await DurableLog.open({ dir, holdsForeignBytes });
  const texts: string[] = [];
  for await (const item of log.read()) if ("payload" in item) texts.push(item.payload.toString("latin1"));
  await log.close();
  return texts;
}

test("a record inside a record is not taken for one, whatever the disk did to the log", async () => {
  for (const holdsForeignBytes of [false, true]) {
    const dir = join(root, String(holdsForeignBytes));
    const log = await DurableLog.open({ dir, holdsForeignBytes });
    await log.append(forged(1, "forged"));
    await log.append("the next");
    await log.close();
    damageFirst(dir);
    // Without a seed the forgery is believed: that is what the seed is for.
    const expected = holdsForeignBytes ? ["the next"] : ["forged", "the next"];
    assert.deepEqual(await textsOf(dir, holdsForeignBytes), expected);
  }
});

test("the seed is its owner's to read, and a log whose seed was spoiled is not opened, and not cut away", async () => {
  const dir = join(root, "spoiled");
  const log = await DurableLog.open({ dir, holdsForeignBytes: true });
  await log.append(Buffer.from([0, 255, 1]));
  await log.close();
  const path = join(dir, "checksum-seed");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const seed = readFileSync(path);
  writeFileSync(path, "");
  await assert.rejects(DurableLog.open({ dir, holdsForeignBytes: true }), {
    code: "LOG_UNAVAILABLE",
    message: /does not hold the log's seed/,
  });
  writeFileSync(path, seed);
  assert.deepEqual(await textsOf(dir, true), ["\x00\xff\x01"]);
});

test("a head and a payload that are appended together are one record", async () => {
  const dir = join(root, "head");
  const log = await DurableLog.open({ dir, holdsForeignBytes: true });
  await log.enqueue(Buffer.from("payload"), Buffer.from("head "));
  await log.enqueue("text", Buffer.from("head "));
  await log.close();
  assert.deepEqual(await textsOf(dir, true), ["head payload", "head text"]);
});
