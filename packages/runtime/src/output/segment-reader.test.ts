import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { newExecId } from "@sandglass/protocol";
import { seeded } from "@sandglass/testkit";
import { encodeHeader, Kind, MAX_RECORD_BYTES, type OutputRecord, SEGMENT_MAGIC } from "./record.ts";
import { readRecords } from "./segment-reader.ts";

const execIds = [newExecId(), newExecId()];

function recordsOf(sizes: readonly number[]): OutputRecord[] {
  return sizes.map((size, at) => ({
    execId: execIds[at % 2] ?? "",
    kind: Kind.stdout,
    seq: at,
    ts: 1000 + at,
    payload: Buffer.alloc(size, 65 + (at % 26)),
  }));
}

function fileOf(records: readonly OutputRecord[]): Buffer {
  return Buffer.concat([
    SEGMENT_MAGIC,
    ...records.flatMap((record) => [encodeHeader(record), record.payload]),
  ]);
}

describe("reading an output segment", () => {
  let dir: string;
  let path: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-seg-"));
    path = join(dir, "segment.out");
  });
  after(() => rm(dir, { recursive: true }));

  async function read(
    bytes: Buffer,
    offset?: number,
    endOffset?: number,
  ): Promise<{ records: OutputRecord[]; ends: number[] }> {
    await writeFile(path, bytes);
    const [records, ends]: [OutputRecord[], number[]] = [[], []];
    for await (const { record, next } of readRecords(path, offset, endOffset)) {
      records.push({ ...record, payload: Buffer.from(record.payload) });
      ends.push(next);
    }
    return { records, ends };
  }

  const records = recordsOf([5, 0, 17, 1, 40]);
  const file = fileOf(records);

  test("gives every record, and where it ends", async () => {
    const found = await read(file);
    assert.deepEqual(found.records, records);
    assert.equal(found.ends.at(-1), file.length);
  });

  test("records longer and shorter than what is read at once are all there", async () => {
    const large = recordsOf([10, 256 * 1024, 1, 1_000_000, 256 * 1024 - 48, 7]);
    assert.deepEqual((await read(fileOf(large))).records, large);
  });

  test("from the end of any record on, and up to the end of any other", async () => {
    const { ends } = await read(file);
    for (const [at, end] of ends.entries()) {
      assert.deepEqual((await read(file, end)).records, records.slice(at + 1));
      assert.deepEqual((await read(file, undefined, end)).records, records.slice(0, at + 1));
      assert.deepEqual((await read(file, undefined, end - 1)).records, records.slice(0, at));
    }
  });

  test("torn at any byte, every record that is whole is there and nothing of the torn one", async () => {
    const { ends } = await read(file);
    for (let size = 0; size < file.length; size++) {
      const whole = size < SEGMENT_MAGIC.length ? 0 : ends.filter((end) => end <= size).length;
      assert.deepEqual(
        (await read(file.subarray(0, size))).records,
        records.slice(0, whole),
        `${size} bytes`,
      );
    }
  });

  test("a file of another format or version has no records", async () => {
    assert.deepEqual((await read(Buffer.concat([Buffer.from("SGOUT9\r\n"), file.subarray(8)]))).records, []);
    assert.deepEqual((await read(Buffer.from("hello"))).records, []);
  });

  test("a length that no writer writes ends it", async () => {
    const broken = Buffer.from(file);
    const { ends } = await read(file);
    broken.writeUInt32LE(MAX_RECORD_BYTES + 1, ends[1] ?? 0);
    assert.deepEqual((await read(broken)).records, records.slice(0, 2));
  });

  test("damage anywhere is neither an error nor an endless read, and what lies before it is there", async () => {
    const { ends } = await read(file);
    for (let seed = 0; seed < 400; seed++) {
      const random = seeded(seed);
      const at = SEGMENT_MAGIC.length + random.int(file.length - SEGMENT_MAGIC.length);
      const damaged = Buffer.from(file);
      random.bytes(1 + random.int(8)).copy(damaged, at);
      const found = await read(damaged);
      const before = ends.filter((end) => end <= at).length;
      assert.deepEqual(found.records.slice(0, before), records.slice(0, before), `seed ${seed}`);
      assert.ok(found.records.length <= file.length / 48);
    }
  });
});
