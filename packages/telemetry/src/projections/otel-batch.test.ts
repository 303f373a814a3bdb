import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyValue } from "../otlp/model.ts";
import { openingAttributes } from "./otel-attributes.ts";
import { projectBatch } from "./otel-batch.ts";
import { OtelMemory } from "./otel-memory.ts";
import { serviceResource } from "./otel-resource.ts";
import { otelEvent, otelEvents } from "./testing/otel-events.ts";
import { CONVENTIONAL_ATTRIBUTES } from "./testing/semantic-conventions.ts";

const service = serviceResource({
  name: "shop",
  version: "1.2.3",
  attributes: { "deployment.environment.name": "test" },
});
const scope = { name: "sandglass", version: "1.2.3" };
const all = () => ({ traces: true, logs: true });

function project(
  events: ReturnType<typeof otelEvents>,
  wanted: (index: number) => { traces: boolean; logs: boolean } = all,
) {
  return projectBatch(events, wanted, { service, scope, memory: new OtelMemory(openingAttributes) });
}

function plain(attributes: KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}

test("every event is a log record with its id, its place and its severity", () => {
  const events = otelEvents();
  const { logs, logCount } = project(events);
  const all = logs.resourceLogs?.flatMap(
    ({ scopeLogs }) => scopeLogs?.flatMap((each) => each.logRecords ?? []) ?? [],
  );
  assert.equal(logCount, all?.length);
  // One is there twice: what its cell raised is a record beside it.
  const records = all?.filter(({ eventName }) => eventName !== "exec.exception");
  assert.deepEqual(
    records?.map(({ eventName }) => eventName),
    events.map(({ type }) => type),
  );
  const { attributes, ...record } = records!.find(({ eventName }) => eventName === "exec.completed")!;
  assert.deepEqual(record, {
    timeUnixNano: "1776520800000042000",
    observedTimeUnixNano: "1776520800000042000",
    severityNumber: 9,
    severityText: "INFO",
    body: { stringValue: "exec complete" },
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    eventName: "exec.completed",
  });
  const { "log.record.uid": uid, "sandglass.event.id": id, "sandglass.event.seq": seq } = plain(attributes);
  assert.deepEqual([uid, id, seq], [events[0]!.id, events[0]!.id, 7]);
});

test("severities are the first of their range", () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  const { logs } = project(levels.map((level) => otelEvent("port.exposed", {}, { level })));
  const records = logs.resourceLogs![0]!.scopeLogs![0]!.logRecords!;
  assert.deepEqual(
    records.map(({ severityNumber, severityText }) => [severityNumber, severityText]),
    [
      [5, "DEBUG"],
      [9, "INFO"],
      [13, "WARN"],
      [17, "ERROR"],
    ],
  );
});

test("what is sent is grouped by sandbox, organisation and run, each group with its resource and the scope", () => {
  const host = { sandboxId: "", runId: "", orgId: "" };
  const { logs, traces } = project([
    otelEvent("sandbox.created", {}, { sandboxId: "sbx_a" }),
    otelEvent("host.started", {}, host),
    otelEvent("exec.completed", {}, { sandboxId: "sbx_b" }),
    otelEvent("exec.completed", {}, { sandboxId: "sbx_a" }),
    otelEvent("exec.completed", {}, { sandboxId: "sbx_a", runId: "run_2" }),
  ]);
  const identities = logs.resourceLogs?.map(({ resource }) => {
    const {
      "sandglass.sandbox.id": sandbox,
      "sandglass.org.id": org,
      "sandglass.run.id": run,
      "sandglass.template.id": template,
    } = plain(resource?.attributes);
    return [sandbox, org, run, template];
  });
  assert.deepEqual(identities, [
    ["sbx_a", "acme", "run_1", "python"],
    [undefined, undefined, undefined, undefined],
    ["sbx_b", "acme", "run_1", undefined],
    ["sbx_a", "acme", "run_2", "python"],
  ]);
  // The host's own event is no span: a group of nothing is not sent.
  assert.deepEqual(
    traces.resourceSpans?.map(({ scopeSpans }) =>
      scopeSpans?.map((each) => [each.scope, each.spans?.length]),
    ),
    [[[scope, 2]], [[scope, 1]], [[scope, 1]]],
  );
});

test("the resource says who sends, by the conventions' names", () => {
  const attributes = plain(service);
  assert.deepEqual(
    [attributes["service.name"], attributes["service.version"], attributes["deployment.environment.name"]],
    ["shop", "1.2.3", "test"],
  );
  assert.match(String(attributes["service.instance.id"]), /^[0-9a-f-]{36}$/);
  for (const { key } of service) assert.ok(CONVENTIONAL_ATTRIBUTES.has(key), key);
});

test("only what is wanted is made, and an event that is not is still known to later ones", () => {
  const events = [
    otelEvent("exec.started", { cwd: "/elsewhere" }),
    otelEvent("exec.completed"),
    otelEvent("http.request"),
  ];
  const { traces, logs, spanCount, logCount } = project(events, (index) => ({
    traces: index === 1,
    logs: index === 2,
  }));
  assert.deepEqual([spanCount, logCount], [1, 1]);
  const span = traces.resourceSpans![0]!.scopeSpans![0]!.spans![0]!;
  assert.equal(plain(span.attributes)["process.working_directory"], "/elsewhere");
  assert.equal(logs.resourceLogs![0]!.scopeLogs![0]!.logRecords![0]!.eventName, "http.request");
  assert.deepEqual(project(events, () => ({ traces: false, logs: false })).logs, { resourceLogs: [] });
});
