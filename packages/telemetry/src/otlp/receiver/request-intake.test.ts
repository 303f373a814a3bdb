import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { RequestIntake } from "./request-intake.ts";
import { RequestPermit } from "./request-permit.ts";
import type { Tenant } from "./tenant.ts";
import { MemorySink, tenantNamed } from "./testing/grpc-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const MIB = 1024 * 1024;

function admitted(intake: RequestIntake, tenant: Tenant, contentLength = 0): RequestPermit {
  const permit = intake.admit(tenant, contentLength);
  assert.ok(permit instanceof RequestPermit, JSON.stringify(permit));
  return permit;
}

test("however many senders want all the memory there is, some is left for the next", () => {
  const intake = new RequestIntake({ sink: new MemorySink(), totalInFlightBytes: 64 * MIB });
  const hogs = Array.from({ length: 20 }, (_, index) => tenantNamed(`sbx_${index}`));
  const held = hogs.map(() => 0);
  for (let round = 0; round < 100; round++) {
    for (const [index, hog] of hogs.entries()) {
      if (intake.admit(hog, MIB / 4) instanceof RequestPermit) held[index]! += MIB / 4;
    }
  }
  assert.ok(
    held.every((bytes) => bytes >= MIB),
    held.join(),
  );
  assert.ok(intake.heldBytes < 64 * MIB - MIB);
  admitted(intake, tenantNamed("sbx_next"), MIB);
  for (const hog of hogs) assert.deepEqual(Object.keys(intake.counts(hog.id).refused), ["overloaded"]);
});

test("a permit ends once: what it held is given back, and it is counted under one word", async () => {
  const intake = new RequestIntake({ sink: new MemorySink() });
  const tenant = tenantNamed("sbx_a");
  const permit = admitted(intake, tenant, 1000);
  assert.ok(intake.heldBytes >= 1000);
  assert.equal(permit.refuse("malformed", "no gzip").reason, "malformed");
  permit.abort("timed_out");
  permit.refuse("too_large", "again");
  assert.equal(intake.heldBytes, 0);
  assert.equal((await intake.accept(permit, "traces", spanBatch(1), "protobuf")).status, "refused");
  assert.deepEqual(intake.counts("sbx_a").refused, { malformed: 1 });
  assert.equal(intake.counts("sbx_a").spans, 0);
});

test("a body is not needed any more when accept has returned, and the sink's bytes are those of its own request", async () => {
  const sink = new MemorySink();
  const intake = new RequestIntake({ sink });
  const tenant = tenantNamed("sbx_a");
  const bodies = [spanBatch(3), spanBatch(5)];
  const answers = bodies.map((body) => {
    const answer = intake.accept(admitted(intake, tenant, body.length), "traces", body, "protobuf");
    body.fill(0xff);
    return answer;
  });
  assert.deepEqual(await Promise.all(answers), [{ status: "ok" }, { status: "ok" }]);
  assert.deepEqual(
    sink.requests.map(({ items }) => items),
    [3, 5],
  );
  for (const { bytes } of sink.requests) assert.ok(!bytes.includes(Buffer.alloc(8, 0xff)));
});

test("the time that requests take is limited, and what inflating them takes", () => {
  let now = 0;
  const intake = new RequestIntake({ sink: new MemorySink(), now: () => now, workMsPerSecond: 100 });
  const tenant = tenantNamed("sbx_a");
  const permit = admitted(intake, tenant);
  permit.spendWork(150);
  admitted(intake, tenant);
  permit.spendWork(100);
  const refused = intake.admit(tenant);
  assert.ok("status" in refused);
  assert.deepEqual([refused.reason, refused.retryAfterMs], ["rate_limited", 510]);
  now = 510;
  const next = admitted(intake, tenant);
  next.hold(30 * MIB);
  assert.ok("status" in intake.admit(tenant));
  assert.ok(admitted(intake, tenantNamed("sbx_b")));
});

test("settled waits for requests that are read or written, and for no others", async () => {
  const sink = new MemorySink();
  const intake = new RequestIntake({ sink });
  const written = Promise.withResolvers<void>();
  sink.before = () => written.promise;
  await intake.settled("sbx_a");
  const permit = admitted(intake, tenantNamed("sbx_a"));
  const other = admitted(intake, tenantNamed("sbx_b"));
  let isSettled = false;
  const settled = intake.settled("sbx_a").then(() => {
    isSettled = true;
  });
  const answer = intake.accept(permit, "traces", spanBatch(1), "protobuf");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isSettled, false);
  written.resolve();
  await Promise.all([settled, answer]);
  assert.equal(sink.requests.length, 1);
  other.abort("aborted");
});

test("a tenant that is forgotten begins anew, and what was in flight gives its memory back", async () => {
  const intake = new RequestIntake({ sink: new MemorySink() });
  const tenant = tenantNamed("sbx_a", { connections: 1 });
  const release = intake.connect(tenant);
  assert.equal(intake.connect(tenant), undefined);
  const permit = admitted(intake, tenant, MIB);
  assert.deepEqual(intake.counts("sbx_a").refused, { connections: 1 });
  intake.forget("sbx_a");
  assert.deepEqual(intake.counts("sbx_a").refused, {});
  assert.notEqual(intake.connect(tenant), undefined);
  release?.();
  permit.abort("aborted");
  await until("it is given back", () => intake.heldBytes === 0);
});
