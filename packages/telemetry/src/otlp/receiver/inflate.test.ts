import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { collectGarbage } from "@sandglass/testkit";
import { inflate } from "./inflate.ts";
import { RequestIntake } from "./request-intake.ts";
import { RequestPermit } from "./request-permit.ts";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { gzipBomb } from "./testing/gzip-bomb.ts";

const MIB = 1024 * 1024;
const sink = { append: () => Promise.resolve() };

function admit(intake: RequestIntake, id = "sbx_a"): RequestPermit {
  const permit = intake.admit(tenantNamed(id));
  assert.ok(permit instanceof RequestPermit);
  return permit;
}

async function inflated(body: Uint8Array, maxInflatedBytes = 16 * MIB): Promise<Buffer | string> {
  const permit = admit(new RequestIntake({ sink, maxInflatedBytes }));
  const result = await inflate(body, "protobuf", permit);
  if (result instanceof Uint8Array) return Buffer.from(result);
  assert.ok(permit.isOver);
  return result.reason;
}

/** So long that it is inflated on another thread, and nothing that repeats. */
function noise(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = 1;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

test("a body comes out as it went in, whatever its size", async () => {
  for (const size of [0, 1, 1000, 20_000, 64 * 1024, 300_000, 3 * MIB]) {
    for (const plain of [Buffer.alloc(size, "span"), noise(size)]) {
      assert.deepEqual(await inflated(gzipSync(plain)), plain);
    }
  }
});

test("several members are one body, also where one ends at a border of what is inflated at once", async () => {
  const [small, large] = [Buffer.from("first "), noise(200_000)];
  assert.deepEqual(
    await inflated(Buffer.concat([gzipSync(small), gzipSync(small)])),
    Buffer.from("first first "),
  );
  const members = Buffer.concat([gzipSync(large), gzipSync(small), gzipSync(large)]);
  assert.deepEqual(await inflated(members), Buffer.concat([large, small, large]));
  // Stored members of exactly 64 KiB: 18 bytes of frame, 5 of each stored block.
  const stored = gzipSync(noise(64 * 1024 - 23), { level: 0, memLevel: 9 });
  assert.deepEqual((await inflated(Buffer.concat([stored, stored]))).length, 2 * (64 * 1024 - 23));
});

test("what is no gzip, not all of it, or more than that, is malformed", async () => {
  for (const plain of [Buffer.from("spans"), noise(100_000)]) {
    const body = gzipSync(plain);
    const broken = Buffer.from(body);
    broken[broken.length - 6]! ^= 1;
    const cases: Record<string, Uint8Array> = {
      "no gzip": plain,
      "cut short": body.subarray(0, -3),
      "a wrong checksum": broken,
      "text behind it": Buffer.concat([body, Buffer.from("trailing garbage")]),
      "a byte behind it": Buffer.concat([body, Buffer.from("g")]),
      "zeros behind it": Buffer.concat([body, Buffer.alloc(20)]),
      "half a member behind it": Buffer.concat([body, body.subarray(0, body.length / 2)]),
      "a header behind it": Buffer.concat([body, body.subarray(0, 10)]),
    };
    for (const [name, bytes] of Object.entries(cases)) assert.equal(await inflated(bytes), "malformed", name);
  }
  assert.equal(await inflated(new Uint8Array()), "malformed");
});

test("a body may be exactly as large as the limit, and not one byte larger", async () => {
  for (const limit of [1000, MIB]) {
    assert.equal((await inflated(gzipSync(Buffer.alloc(limit)), limit)).length, limit);
    assert.equal(await inflated(gzipSync(Buffer.alloc(limit + 1)), limit), "too_large");
    const members = Buffer.concat([gzipSync(Buffer.alloc(limit)), gzipSync(Buffer.alloc(1))]);
    assert.equal(await inflated(members, limit), "too_large");
  }
});

test("what a body says of its own size is not relied on", async () => {
  const plain = noise(100_000);
  const member = gzipSync(plain);
  const empty = gzipSync("");
  // The last member's size is 0, and the whole is not.
  assert.deepEqual(await inflated(Buffer.concat([member, empty])), plain);
  // 4 GiB less one, of which nothing is there.
  const lying = Buffer.concat([member.subarray(0, -4), Buffer.alloc(4, 0xff)]);
  assert.equal(await inflated(lying), "malformed");
});

test("1 GB of zeros in 1 MB takes no more memory than the limit, and not its time", async () => {
  const bomb = gzipBomb(1024 * MIB);
  assert.ok(bomb.length < 1.1 * MIB);
  const twice = gzipSync(bomb);
  // What earlier rounds left behind is the collector's of garbage to count, not ours.
  for (let round = 0; round < 3; round++) await inflated(bomb);
  collectGarbage();
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 1);
  for (let round = 0; round < 10; round++) {
    assert.equal(await inflated(bomb), "too_large");
    collectGarbage();
  }
  clearInterval(timer);
  peak = Math.max(peak, process.memoryUsage().rss);
  assert.ok(peak - before < 40 * MIB, `${(peak - before) / MIB} MiB more`);
  // One within the other is inflated once: what comes out is no request.
  assert.deepEqual(await inflated(twice), bomb);
});

test("what is inflated counts as in flight until the request is over", async () => {
  const intake = new RequestIntake({ sink });
  const permit = admit(intake);
  const before = intake.heldBytes;
  await inflate(gzipSync(noise(500_000)), "protobuf", permit);
  assert.equal(intake.heldBytes - before, 500_000);
  permit.abort("aborted");
  assert.equal(intake.heldBytes, 0);
});

test("one sender's bodies are inflated one after the other, others' beside them", async () => {
  const intake = new RequestIntake({ sink });
  const large = gzipSync(noise(2 * MIB));
  const order: string[] = [];
  const run = async (id: string, body: Uint8Array, name: string): Promise<void> => {
    const permit = admit(intake, id);
    await inflate(body, "protobuf", permit);
    order.push(name);
    permit.abort("aborted");
  };
  const first = [1, 2, 3, 4, 5, 6].map((number) => run("sbx_hog", large, `hog ${number}`));
  await Promise.all([...first, run("sbx_other", gzipSync(noise(100_000)), "other")]);
  assert.deepEqual(
    order.filter((name) => name !== "other"),
    [1, 2, 3, 4, 5, 6].map((number) => `hog ${number}`),
  );
  assert.ok(order.indexOf("other") < 3, order.join());
});
