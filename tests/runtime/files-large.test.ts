import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, heldMemory, run, startRuntime, type TestRuntime } from "@sandglass/testkit";

const MIB = 1024 * 1024;
const SIZE = 200 * MIB;
/** Above what it was: buffers of the socket, the window, and what the collector has not taken yet. */
const GROWTH = 90 * MIB;
const AHEAD = 40 * MIB;

describe("a file of 200 MB", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  let peak = 0;
  const look = async (bound = 0): Promise<void> => {
    peak = Math.max(peak, await heldMemory(bound));
  };
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ diskMb: 512 });
  });
  after(() => host.close());

  const digest = createHash("sha256");
  /** Every piece is another, and each is made when it is asked for. */
  async function* source(bound: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < SIZE / MIB; at++) {
      const piece = Buffer.alloc(MIB, at);
      piece.writeUInt32LE(at, 1000);
      digest.update(piece);
      await look(bound);
      yield piece;
    }
  }

  test("goes up and comes down whole, and the daemon's memory does not grow with it", async () => {
    await look();
    const before = peak;
    const info = await sandbox.files.write("large", source(before + GROWTH), callContext());
    assert.equal(info.sizeBytes, SIZE);
    const expected = digest.digest("hex");
    const { stdout } = await run(sandbox, { command: "sha256sum large | cut -d' ' -f1" });
    assert.equal(stdout.trim(), expected);

    const down = createHash("sha256");
    const { content } = await sandbox.files.read("large", callContext());
    let bytes = 0;
    for await (const chunk of content) {
      down.update(chunk);
      bytes += chunk.length;
      await look(before + GROWTH);
    }
    assert.equal(bytes, SIZE);
    assert.equal(down.digest("hex"), expected);
    assert.ok(peak - before < GROWTH, `memory grew by ${Math.round((peak - before) / MIB)} MiB`);
  });

  test("read slowly, it waits inside the sandbox", async () => {
    const { content } = await sandbox.files.read("large", callContext());
    const iterator = content[Symbol.asyncIterator]();
    peak = 0;
    await look();
    const before = peak;
    for (let reads = 0; reads < 20; reads++) {
      await iterator.next();
      await run(sandbox, { command: "true" }); // time in which all of it could have come
      await look(before + AHEAD);
    }
    await iterator.return?.();
    assert.ok(peak - before < AHEAD, `${Math.round((peak - before) / MIB)} MiB are waiting in the daemon`);
  });
});
