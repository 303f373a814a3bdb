import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type EventInput, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { onEnd, temporaryDirectory } from "../log/testing/test-log.ts";
import { tracesFromProtobuf } from "../otlp/from-protobuf.ts";
import type { OtlpSpan } from "../otlp/model.ts";
import { otelEvent } from "../projections/testing/otel-events.ts";
import { Recorder } from "../recorder.ts";
import type { HostRecord } from "./forwarded-sandbox.ts";
import { HostEventForwarding } from "./host-event-forwarding.ts";

const RUN = "run_1";
const OWNER = { orgId: "acme", template: "analyst", runId: RUN };
const [OURS, THEIRS] = ["dst_00000000000000000000000000000001", "dst_00000000000000000000000000000002"];

/** A run in which a tool is called, and the forwarding of the sandboxes that are used in it. */
async function open(t: TestContext, runMs?: number) {
  const recorder = await Recorder.open({ dataDir: temporaryDirectory(t) });
  const [records, ended]: [HostRecord[], string[]] = [[], []];
  const forwarding = new HostEventForwarding({
    log: recorder.log,
    append: async (more) => void records.push(...more),
    end: async (sandboxIds) => void ended.push(...sandboxIds),
    endBefore: async () => undefined,
    onProblem: (message) => assert.fail(message),
    afterEndMs: 1,
    runMs,
  });
  onEnd(t, async () => {
    await forwarding.stop();
    await recorder.close();
  });
  const [traceId, root, run, tool] = [newTraceId(), newSpanId(), newSpanId(), newSpanId()];
  const say = async (type: Parameters<typeof otelEvent>[0], data: object, place: object): Promise<void> =>
    void (await recorder.emit(otelEvent(type, data, { traceId, ...place }) as EventInput));
  return {
    ...{ forwarding, ended, traceId, run, tool },
    /** A request about it that the tool makes. */
    request: (sandboxId: string) =>
      say(
        "http.request",
        { sandboxId },
        { sandboxId: "", runId: "", spanId: newSpanId(), parentSpanId: tool },
      ),
    /** Of whoever began it. */
    begin: () =>
      say(
        "http.request",
        { method: "POST", route: "/v1/runs", sandboxId: undefined },
        { sandboxId: "", runId: "", spanId: root, parentSpanId: "" },
      ),
    runBegins: () => say("run.started", {}, { sandboxId: "", spanId: run, parentSpanId: root }),
    terminate: (sandboxId: string) =>
      say("sandbox.terminated", {}, { sandboxId, spanId: newSpanId(), parentSpanId: tool }),
    toolEnds: (place: object = {}) =>
      say("agent.tool_result", {}, { sandboxId: "", spanId: tool, parentSpanId: run, ...place }),
    runEnds: (place: object = {}) =>
      say("run.completed", {}, { sandboxId: "", spanId: run, parentSpanId: root, ...place }),
    spansAt: (destinationId: string): OtlpSpan[] =>
      records
        .filter(({ head }) => head.destinationId === destinationId && head.signal === "traces")
        .flatMap(({ body }) => tracesFromProtobuf(body).resourceSpans ?? [])
        .flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans)),
  };
}

test("the spans of the tool and the run that a sandbox is used in go along, once to each destination, also after its end", async (t) => {
  const world = await open(t);
  const { forwarding, ended, spansAt } = world;
  await world.begin();
  await world.runBegins();
  const [first, second, other] = [newSandboxId(), newSandboxId(), newSandboxId()];
  forwarding.add(first, OWNER, Promise.resolve(OURS));
  forwarding.add(second, OWNER, Promise.resolve(OURS));
  forwarding.add(other, OWNER, Promise.resolve(THEIRS));
  for (const sandboxId of [first, second, other]) {
    await world.request(sandboxId);
    await world.terminate(sandboxId);
  }
  await until("one is enough for both", () => ended.length === 1);
  await world.toolEnds();
  await world.runEnds();
  await until("nothing is waited for any more", () => ended.length === 3);
  assert.deepEqual(ended.toSorted(), [first, second, other].toSorted());
  for (const [destinationId, sandboxes] of [
    [OURS, 2],
    [THEIRS, 1],
  ] as const) {
    const spans = spansAt(destinationId!);
    const ids = spans.map(({ spanId }) => spanId);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, 2 * sandboxes + 3);
    const orphans = spans.filter(({ parentSpanId }) => parentSpanId && !ids.includes(parentSpanId));
    assert.deepEqual(orphans, []);
  }
});

test("of other traces, organisations, and what is said inside, nothing goes along", async (t) => {
  const world = await open(t);
  const { forwarding, spansAt, ended } = world;
  const sandboxId = newSandboxId();
  forwarding.add(sandboxId, OWNER, Promise.resolve(OURS));
  await world.request(sandboxId);
  await world.toolEnds({ orgId: "rival" });
  await world.runEnds({ orgId: "rival" });
  await world.toolEnds({ traceId: newTraceId() });
  await world.runEnds({ runId: "run_2", traceId: newTraceId() });
  await world.runEnds();
  await world.terminate(sandboxId);
  await until("it is over", () => ended.length === 1);
  assert.deepEqual(
    spansAt(OURS!)
      .map(({ name }) => name?.split(" ")[0])
      .toSorted(),
    ["http_request", "invoke_agent", "sandbox.terminate"],
  );
});

test("a run that is not completed keeps a destination for a while, and for no stop", async (t) => {
  const brief = await open(t, 1);
  await brief.runBegins();
  const sandboxId = newSandboxId();
  brief.forwarding.add(sandboxId, OWNER, Promise.resolve(OURS));
  await brief.terminate(sandboxId);
  await until("it is given up", () => brief.ended.length === 1);

  const long = await open(t);
  await long.runBegins();
  for (const id of [sandboxId, newSandboxId()]) {
    long.forwarding.add(id, OWNER, Promise.resolve(OURS));
    await long.terminate(id);
  }
  await until("one waits", () => long.ended.length === 1);
  await long.forwarding.stop();
  assert.equal(long.ended.length, 2);
});
