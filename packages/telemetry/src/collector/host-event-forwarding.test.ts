import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EventInput } from "@sandglass/protocol";
import { newSandboxId } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { onEnd, temporaryDirectory } from "../log/testing/test-log.ts";
import { metricsFromProtobuf, tracesFromProtobuf } from "../otlp/from-protobuf.ts";
import { otelEvent } from "../projections/testing/otel-events.ts";
import { Recorder } from "../recorder.ts";
import type { HostRecord } from "./forwarded-sandbox.ts";
import { HostEventForwarding, type HostEventForwardingParts } from "./host-event-forwarding.ts";

const OWNER = { orgId: "acme", template: "analyst", runId: "run_1" };
const DESTINATION = "dst_00000000000000000000000000000001";

interface Opened {
  forwarding: HostEventForwarding;
  recorder: Recorder;
  records: HostRecord[];
  /** What was told, in order. */
  told: string[];
  problems: string[];
  /** Records an event about it. */
  emit(sandboxId: string, type: "sandbox.created" | "exec.completed" | "sandbox.terminated"): Promise<void>;
  /** A request to the API that was about it. */
  request(sandboxId: string, orgId?: string): Promise<void>;
  /** Names of the spans that were sent along for it. */
  names(sandboxId: string): string[];
}

async function open(
  t: TestContext,
  more: Partial<HostEventForwardingParts> = {},
  dataDir: string = temporaryDirectory(t),
): Promise<Opened> {
  const recorder = await Recorder.open({ dataDir });
  const [records, told, problems]: [HostRecord[], string[], string[]] = [[], [], []];
  const forwarding = new HostEventForwarding({
    log: recorder.log,
    append: async (more) => void records.push(...more),
    end: async (sandboxIds) => void told.push(...sandboxIds.map((id) => `end ${id}`)),
    endBefore: async () => void told.push("end before"),
    onProblem: (message) => problems.push(message),
    afterEndMs: 1,
    runMs: 1,
    ...more,
  });
  onEnd(t, async () => {
    await forwarding.stop();
    await recorder.close();
  });
  const say = async (event: object): Promise<void> => void (await recorder.emit(event as EventInput));
  return {
    forwarding,
    recorder,
    records,
    told,
    problems,
    emit: (sandboxId, type) => say(otelEvent(type, {}, { sandboxId })),
    request: (sandboxId, orgId = "acme") =>
      say(otelEvent("http.request", { sandboxId }, { sandboxId: "", runId: "", orgId })),
    names: (sandboxId) =>
      records
        .filter(({ head }) => head.signal === "traces" && head.sandboxId === sandboxId)
        .flatMap(({ body }) => tracesFromProtobuf(body).resourceSpans ?? [])
        .flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans))
        .map(({ name }) => name ?? ""),
  };
}

test("an owner is told nothing of what another organisation tried with the sandbox, or said of it", async (t) => {
  const { forwarding, recorder, records, emit, request, names } = await open(t);
  const [sandboxId, other] = [newSandboxId(), newSandboxId()];
  forwarding.add(sandboxId, OWNER, Promise.resolve(DESTINATION));
  await request(sandboxId, "rival");
  const metadata = { sandboxId };
  const place = { sandboxId: other, orgId: "rival" };
  await recorder.emit(otelEvent("sandbox.created", { metadata }, place) as EventInput);
  await recorder.emit(otelEvent("sandbox.created", { metadata }, { sandboxId: other }) as EventInput);
  await emit(sandboxId, "sandbox.created");
  await request(sandboxId);
  await until("its own is there", () => names(sandboxId).includes("http_request"));
  assert.deepEqual(names(sandboxId), ["sandbox.create", "http_request"]);
  assert.equal(
    records.reduce((sum, { head }) => sum + (head.signal === "logs" ? head.items : 0), 0),
    2,
  );
  for (const { head } of records)
    assert.deepEqual(
      [head.orgId, head.sandboxId, head.runId, head.destinationId],
      ["acme", sandboxId, "run_1", DESTINATION],
    );
});

test("while nothing is forwarded it is not behind, although nobody reads what it has passed over", async (t) => {
  const { recorder, emit } = await open(t);
  await emit(newSandboxId(), "sandbox.created");
  assert.equal(recorder.log.lastPosition, 1);
  await until("it has passed over it", () => recorder.log.readerAt("telemetry.forward").lag === 0);
});

test("after a restart the organisation of a forwarded sandbox is still known", async (t) => {
  const dataDir = temporaryDirectory(t);
  const sandboxId = newSandboxId();
  const before = await open(t, {}, dataDir);
  before.forwarding.add(sandboxId, OWNER, Promise.resolve(DESTINATION));
  await before.emit(sandboxId, "sandbox.created");
  await until("it is sent", () => before.names(sandboxId).length === 1);
  await before.forwarding.stop();
  await before.recorder.close();

  const { forwarding, recorder, told, emit, request, names } = await open(t, {}, dataDir);
  await request(sandboxId, "rival");
  await request(sandboxId);
  await emit(sandboxId, "sandbox.terminated");
  await forwarding.endBefore(recorder.log.lastPosition);
  assert.deepEqual(names(sandboxId), ["http_request", "sandbox.terminate"]);
  assert.ok(told.includes("end before"));
});

test("what cannot be appended is appended later, as it was: nothing is measured twice", async (t) => {
  let failures = 1;
  const records: HostRecord[] = [];
  const append = async (more: HostRecord[]): Promise<void> => {
    if (failures-- > 0) throw new Error("no room");
    records.push(...more);
  };
  const { forwarding, problems, emit } = await open(t, { append });
  const sandboxId = newSandboxId();
  forwarding.add(sandboxId, OWNER, Promise.resolve(DESTINATION));
  await emit(sandboxId, "exec.completed");
  await until("it is sent", () => records.length > 0);
  const counts = records
    .filter(({ head }) => head.signal === "metrics")
    .flatMap(({ body }) => metricsFromProtobuf(body).resourceMetrics ?? [])
    .flatMap(({ scopeMetrics = [] }) => scopeMetrics.flatMap(({ metrics = [] }) => metrics))
    .filter(({ name }) => name === "sandglass.exec.duration")
    .map(({ histogram }) => Number(histogram?.dataPoints?.[0]?.count));
  assert.deepEqual(counts, [1]);
  assert.equal(records.filter(({ head }) => head.signal === "traces").length, 1);
  assert.equal(problems.length, 1);
});

test("a claim that does not return holds up nobody else, and what waits for it is sent once it does", async (t) => {
  const { forwarding, problems, emit, names } = await open(t);
  const [slow, quick] = [newSandboxId(), newSandboxId()];
  const claim = Promise.withResolvers<string | undefined>();
  forwarding.add(slow, OWNER, claim.promise);
  forwarding.add(quick, OWNER, Promise.resolve(DESTINATION));
  await emit(slow, "sandbox.created");
  await emit(quick, "sandbox.created");
  await until("the other is sent", () => names(quick).length === 1);
  assert.deepEqual(names(slow), []);
  claim.resolve(DESTINATION);
  await until("it is sent too", () => names(slow).length === 1);
  assert.deepEqual(problems, []);
});

test("a claim that takes too long is told of, and costs what was waiting for it but not the sandbox's end", async (t) => {
  const { forwarding, told, problems, emit, names } = await open(t, { claimMs: 1 });
  const sandboxId = newSandboxId();
  const claim = Promise.withResolvers<string | undefined>();
  forwarding.add(sandboxId, OWNER, claim.promise);
  await until("it is told", () => problems.length === 1);
  assert.ok(problems[0]!.includes(sandboxId));
  await emit(sandboxId, "sandbox.created");
  claim.resolve(DESTINATION);
  await emit(sandboxId, "sandbox.terminated");
  await until("it is ended", () => told.includes(`end ${sandboxId}`));
  assert.ok(names(sandboxId).includes("sandbox.terminate"));
});

test("an orderly stop ends every sandbox that is over, and leaves those that are not", async (t) => {
  const { forwarding, told, emit, names } = await open(t, { afterEndMs: 3_600_000 });
  const [over, live] = [newSandboxId(), newSandboxId()];
  for (const sandboxId of [over, live]) {
    forwarding.add(sandboxId, OWNER, Promise.resolve(DESTINATION));
    await emit(sandboxId, "sandbox.created");
  }
  await emit(over, "sandbox.terminated");
  await forwarding.stop();
  assert.deepEqual(told, [`end ${over}`]);
  assert.deepEqual(names(over), ["sandbox.create", "sandbox.terminate"]);
});

test("a destination is not over before its sandbox is detached, and nor is what a process before served", async (t) => {
  const { forwarding, told, emit, names } = await open(t);
  const [draining, served] = [newSandboxId(), newSandboxId()];
  const detached = Promise.withResolvers<void>();
  for (const sandboxId of [draining, served]) forwarding.add(sandboxId, OWNER, Promise.resolve(DESTINATION));
  forwarding.detaching(draining, detached.promise);
  await emit(draining, "sandbox.terminated");
  const settled = forwarding
    .settled((sandboxId) => sandboxId === served)
    .then((isSettled) => told.push(`settled ${isSettled}`));
  await until("its end is read", () => names(draining).includes("sandbox.terminate"));
  // One that ends later is read later: its end would have come first.
  const later = newSandboxId();
  forwarding.add(later, OWNER, Promise.resolve(DESTINATION));
  await emit(later, "sandbox.terminated");
  await until("the later one is ended", () => told.includes(`end ${later}`));
  assert.deepEqual(told, [`end ${later}`]);
  detached.resolve();
  await settled;
  assert.deepEqual(told, [`end ${later}`, `end ${draining}`, "settled true"]);
});
