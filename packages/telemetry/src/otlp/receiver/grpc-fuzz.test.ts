import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded, until } from "@sandglass/testkit";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { GrpcSender } from "./testing/grpc-sender.ts";
import { mutatedFrames } from "./testing/mutated-frames.ts";
import { RawGrpcPeer } from "./testing/raw-grpc-peer.ts";
import { spanBatch } from "./testing/span-batch.ts";

const SEQUENCES = Number(process.env.GRPC_FUZZ_SEQUENCES ?? 3000);
const SEED = Number(process.env.GRPC_FUZZ_SEED ?? 20_260_418);
const AT_ONCE = 40;

test(`${SEQUENCES} changed sequences of frames: others are served, and nothing of them stays`, async () => {
  const much = { itemsPerSecond: 1e9, bytesPerSecond: 1e12, connections: 10_000 };
  await using harness = new GrpcHarness({ intake: { workMsPerSecond: 1e9 }, receiveMs: 60_000 });
  const bad = tenantNamed("sbx_bad", much);
  const port = await harness.listen(bad);
  await using sender = new GrpcSender(await harness.listen(tenantNamed("sbx_good", much)));
  let keptDelayed = 0;
  harness.sink.before = () => {
    // Some answers come after their connection is gone.
    return ++keptDelayed % 3 === 0 ? new Promise((resolve) => setTimeout(resolve, 2)) : Promise.resolve();
  };
  const random = seeded(SEED);
  for (let sent = 0; sent < SEQUENCES; sent += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, () => attack(port, mutatedFrames(random), random.int(4))),
    );
    const { code, details } = await sender.send("traces", spanBatch(1));
    assert.equal(code, 0, `after ${sent} sequences: ${details}`);
  }
  await harness.server.drained(bad.id);
  await until("nothing is in flight", () => harness.intake.heldBytes === 0);
  assert.deepEqual(harness.faults, []);
  // Many of them still say something that can be taken, and many do not.
  const { requests, refused } = harness.intake.counts(bad.id);
  assert.ok(requests > SEQUENCES / 10, `${requests} were taken`);
  assert.ok(Object.values(refused).reduce((sum, count) => sum + count, 0) > SEQUENCES / 10);
});

/** @param ending 0: reset at once, 1: closed at once, else when the server has answered something */
async function attack(port: number, bytes: Buffer, ending: number): Promise<void> {
  await using peer = await RawGrpcPeer.connect(port);
  await peer.send(bytes);
  if (ending === 0) peer.socket.resetAndDestroy();
  if (ending > 1)
    await Promise.race([peer.closed, new Promise((resolve) => peer.socket.once("data", resolve)), pause()]);
}

/** For those that the server waits on for more. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
