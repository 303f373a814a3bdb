import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compileWasm, RELAY } from "../../../../scripts/build-wasm.ts";
import { seededRandom } from "../../../log/testing/test-log.ts";
import type { Signal } from "../../model.ts";
import { spanBatch } from "../../receiver/testing/span-batch.ts";
import { encodeByOracle } from "../../testing/oracle.ts";
import { ContentChecker } from "../content-checker.ts";
import { stampRequest } from "../stamp-request.ts";
import type { StampedRequest } from "../stamp-result.ts";
import { mutateBytes } from "../testing/mutate-bytes.ts";
import { TEST_STAMP } from "../testing/test-stamp.ts";
import { BINARY } from "./binary.ts";
import { CompiledChecker } from "./compiled-checker.ts";

const MUTATIONS = 5_000;
const checker = CompiledChecker.make()!;
const reference = new ContentChecker();

/** Puts a request into its memory, between other bytes. */
function place(request: Uint8Array, around: number): Buffer {
  checker.bytes.fill(around, 0, request.length + 600);
  checker.bytes.set(request);
  return checker.bytes.subarray(0, request.length);
}

function example(file: string, signal: Signal): Buffer {
  const text = readFileSync(join(import.meta.dirname, "../../fixtures", file), "utf8");
  return Buffer.from(encodeByOracle(signal, JSON.parse(text)));
}

const usual: [signal: Signal, request: Buffer][] = [
  ["traces", Buffer.alloc(0)],
  ["traces", spanBatch(300)],
  ["traces", example("trace.json", "traces")],
  ["logs", example("logs.json", "logs")],
  ["logs", example("events.json", "logs")],
  ["metrics", example("metrics.json", "metrics")],
];

test("the module is what its source compiles to", async () => {
  assert.ok((await compileWasm(RELAY)).equals(Buffer.from(BINARY, "base64")), "run scripts/build-wasm.ts");
});

test("requests as SDKs send them need nobody else, and are counted", () => {
  for (const [signal, request] of usual) {
    place(request, 0x0a);
    assert.ok(checker.isSound(signal, request.length), `${signal} of ${request.length} bytes`);
    const { items } = stampRequest(signal, request, TEST_STAMP) as StampedRequest;
    assert.equal(checker.items, items);
  }
});

test("what it says yes to the checker does as well, whatever stands behind it", () => {
  const random = seededRandom(11);
  let sound = 0;
  for (let turn = 0; turn < MUTATIONS; turn++) {
    const [signal, given] = usual[1 + random(usual.length - 1)]!;
    const [, other] = usual[random(usual.length)]!;
    const start = given.length > 4096 ? spanBatch(1 + random(3)) : given;
    const request = mutateBytes(start, other.subarray(0, 4096), random).subarray(0, 8192);
    for (const around of [0x00, 0x01, 0x0a, 0xff]) {
      place(request, around);
      if (!checker.isSound(signal, request.length)) continue;
      sound++;
      const problem = () => `${reference.problem} in ${signal} ${request.toString("hex")}`;
      assert.ok(reference.check(signal, request), problem());
    }
  }
  assert.ok(sound > MUTATIONS / 20, `only ${sound} were sound`);
});
