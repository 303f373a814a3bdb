import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "@sandglass/testkit";
import { SegmentWriter } from "./segment-writer.ts";

describe("a segment without a name", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "sandglass-segment-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** With these bytes in it. */
  async function written(bytes: Buffer): Promise<SegmentWriter> {
    const segment = new SegmentWriter(join(directory, "segment"), { isNameless: true });
    let offset = 0;
    segment.listen({
      onWritten: (to) => {
        offset = to;
      },
      onError: (error) => assert.fail(error),
    });
    segment.append([bytes], bytes.length);
    await until("all of it is written", () => offset === segment.endOffset);
    return segment;
  }

  test("is in no directory once there is a byte in it, and is read by its path all the same", async () => {
    for (const size of [10, 3_000_000]) {
      const bytes = Buffer.alloc(size, "secret ");
      const segment = await written(bytes);
      assert.deepEqual(await readdir(directory), []);
      const content = await readFile(segment.path);
      assert.ok(content.subarray(content.length - size).equals(bytes));
      segment.close();
    }
  });

  test("is there behind its close for who holds it, and for nobody when it was let go", async () => {
    const segment = await written(Buffer.from("secret"));
    segment.hold();
    segment.close();
    assert.match(await readFile(segment.path, "utf8"), /secret$/);
    segment.letGo();
    assert.throws(() => segment.path, /not to be kept/);
    assert.deepEqual(await readdir(directory), []);
  });
});
