import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecException, RuntimeEvent } from "@sandglass/protocol";
import { LogEvent } from "../delivery/log-event.ts";
import { encodeLogs } from "../otlp/encode-logs.ts";
import { encodeTraces } from "../otlp/encode-traces.ts";
import type { OtlpLogRecord } from "../otlp/model.ts";
import { openingAttributes } from "./otel-attributes.ts";
import { projectBatch } from "./otel-batch.ts";
import { OtelBatchWriter } from "./otel-batch-writer.ts";
import { OtelMemory } from "./otel-memory.ts";
import { serviceResource } from "./otel-resource.ts";
import { otelEvent } from "./testing/otel-events.ts";
import { CONVENTIONAL_ATTRIBUTES } from "./testing/semantic-conventions.ts";

const sending = {
  service: serviceResource({ name: "shop", version: "1.2.3", attributes: {} }),
  scope: { name: "sandglass", version: "1.2.3" },
};
const all = () => ({ traces: true, logs: true });

const RAISED: ExecException = {
  type: "json.decoder.JSONDecodeError",
  message: 'Expecting value: line 1\n"é€😀" \u0000',
  stacktrace: 'Traceback (most recent call last):\n  File "<cell 1>", line 1\n\tx\n',
};

function failed(exception: ExecException): RuntimeEvent {
  return otelEvent("exec.completed", { cause: "exited", exitCode: 1, exception });
}

function project(events: RuntimeEvent[]): ReturnType<typeof projectBatch> {
  return projectBatch(events, all, { ...sending, memory: new OtelMemory(openingAttributes) });
}

function recordsOf(event: RuntimeEvent): OtlpLogRecord[] {
  return project([event]).logs.resourceLogs?.[0]?.scopeLogs?.[0]?.logRecords ?? [];
}

test("what a cell raised is an error of its own on the exec's span, in front of the exec's record", () => {
  const event = failed(RAISED);
  const [exception, completed, ...more] = recordsOf(event);
  assert.deepEqual(more, []);
  assert.equal(completed?.eventName, "exec.completed");
  const { attributes = [], ...record } = exception as OtlpLogRecord;
  assert.deepEqual(record, {
    timeUnixNano: "1776520800000042000",
    observedTimeUnixNano: "1776520800000042000",
    severityNumber: 17,
    severityText: "ERROR",
    body: { stringValue: "json.decoder.JSONDecodeError: Expecting value: line 1" },
    traceId: event.traceId,
    spanId: event.spanId,
    eventName: "exec.exception",
  });
  const said = Object.fromEntries(attributes.map(({ key, value }) => [key, value?.stringValue]));
  assert.deepEqual(said, {
    "exception.type": RAISED.type,
    "exception.message": RAISED.message,
    "exception.stacktrace": RAISED.stacktrace,
    "sandglass.exec.id": "exec_1",
    "sandglass.exec.language": "python",
    "sandglass.exec.context_id": "default",
    "log.record.uid": `${event.id}.exception`,
  });
  for (const key of Object.keys(said)) {
    if (!key.startsWith("sandglass.")) assert.ok(CONVENTIONAL_ATTRIBUTES.has(key), key);
  }
});

test("it says nothing of what is not recorded, and the exec's own record does not repeat it", () => {
  const [exception, completed] = recordsOf(failed({ type: "ValueError" }));
  assert.deepEqual(exception?.body, { stringValue: "ValueError" });
  const keys = exception?.attributes?.map(({ key }) => key) ?? [];
  assert.ok(!keys.includes("exception.message") && !keys.includes("exception.stacktrace"));
  assert.ok(completed?.attributes?.every(({ key }) => !key.includes("exception")));
});

test("an exec whose cell raised nothing, and any other event, has no such record", () => {
  const completed = otelEvent("exec.completed");
  const { exception: _, ...data } = completed.data;
  assert.equal(recordsOf({ ...completed, data }).length, 1);
  assert.equal(recordsOf(otelEvent("exec.error")).length, 1);
});

test("the type of what was raised is the error's, where the host does not know better", () => {
  const errorType = (event: RuntimeEvent): unknown =>
    project([event])
      .traces.resourceSpans?.[0]?.scopeSpans?.[0]?.spans?.[0]?.attributes?.filter(
        ({ key }) => key === "error.type",
      )
      .map(({ value }) => value?.stringValue);
  assert.deepEqual(errorType(failed(RAISED)), [RAISED.type]);
  assert.deepEqual(errorType(otelEvent("exec.completed", { cause: "disk_full" })), ["disk_full"]);
});

test("a long message is a short line in the body and in the span's status, and whole in its attribute", () => {
  const message = "m".repeat(5_000);
  const event = failed({ type: "E", message });
  const [exception] = recordsOf(event);
  assert.equal(exception?.body?.stringValue?.length, 200);
  assert.match(exception?.body?.stringValue ?? "", /^E: m+…$/);
  assert.ok(exception?.attributes?.some(({ value }) => value?.stringValue === message));
  const span = project([event]).traces.resourceSpans?.[0]?.scopeSpans?.[0]?.spans?.[0];
  assert.equal(span?.status?.message, exception?.body?.stringValue);
});

test("straight from the log to protobuf it is the same", () => {
  const long = { type: "E", message: "é".repeat(8_000), stacktrace: `${"x\n".repeat(20_000)}` };
  const events = [RAISED, { type: "ValueError" }, long].map(failed);
  events.splice(1, 0, otelEvent("exec.started"), otelEvent("sandbox.created"));
  const writer = new OtelBatchWriter(sending);
  const logged = events.map((event, index) => new LogEvent(index + 1, Buffer.from(JSON.stringify(event))));
  const written = writer.write(logged, all, () => {});
  const projected = project(events);
  assert.equal(written.logCount, 8);
  assert.equal(projected.logCount, 8);
  assert.deepEqual(Buffer.from(written.logs ?? []), encodeLogs(projected.logs));
  assert.deepEqual(Buffer.from(written.traces ?? []), encodeTraces(projected.traces));
});
