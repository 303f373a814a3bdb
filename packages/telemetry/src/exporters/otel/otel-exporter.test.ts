import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { newEventId, newSpanId } from "@sandglass/protocol";
import type { EventBatch, Exporter, ExportResult } from "../../delivery/exporter.ts";
import { encodeResponse } from "../../otlp/testing/oracle.ts";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { testBatch } from "../http/testing/event-batch.ts";
import { exportOnce, openOtel } from "./testing/open-otel.ts";
import { eventIdsIn, type OtlpRequest, OtlpSink } from "./testing/otlp-sink.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };

function execs(count: number): RuntimeEvent[] {
  return Array.from({ length: count }, (_, index) =>
    otelEvent("exec.completed", { execId: `exec_${index}` }, { id: newEventId(), spanId: newSpanId() }),
  );
}

function send(exporter: Exporter, batch: EventBatch): Promise<ExportResult> {
  return exporter.export(batch, { signal: new AbortController().signal });
}

function countOf(requests: readonly OtlpRequest[], name: string): unknown[] {
  const metrics = requests
    .filter(({ signal }) => signal === "metrics")
    .map(({ data }) => JSON.stringify(data));
  return metrics.flatMap((text) => {
    const found = new RegExp(`"name":"${name}".*?"asInt":"(\\d+)"`).exec(text);
    return found ? [found[1]] : [];
  });
}

describe("a batch that is tried again", () => {
  test("is not sent again to the signals that took it, and counts once in the metrics", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    const batch = testBatch(execs(3));
    sink.answer = ({ signal }) =>
      signal === "logs" ? { status: 503, headers: { "retry-after": "2" } } : undefined;
    const first = await send(exporter, batch);
    assert.equal(first.status, "retry");
    assert.equal(first.status === "retry" && first.afterMs, 2000);
    assert.deepEqual(sink.signals.sort(), ["metrics", "traces"]);
    sink.answer = () => undefined;
    assert.deepEqual(await send(exporter, batch), { status: "ok" });
    assert.deepEqual(sink.signals.sort(), ["logs", "metrics", "traces"]);
    assert.deepEqual(countOf(sink.requests, "sandglass.exec.count"), ["3"]);
  });

  test("sends the report of metrics that did not arrive as it was, and then what came meanwhile", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, temporality: "delta" });
    const batch = testBatch(execs(3));
    sink.answer = ({ signal }) => (signal === "metrics" ? { status: 502 } : undefined);
    assert.equal((await send(exporter, batch)).status, "retry");
    sink.answer = () => undefined;
    assert.deepEqual(await exportOnce(exporter, execs(2)), { status: "ok" });
    assert.deepEqual(await send(exporter, batch), { status: "ok" });
    assert.deepEqual(countOf(sink.requests, "sandglass.exec.count"), ["3", "2"]);
  });

  test("a destination that is gone, or hangs, is a retry that says so", async () => {
    const sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    sink.server.fault = { hang: true };
    const controller = new AbortController();
    const hanging = exporter.export(testBatch(execs(1)), { signal: controller.signal });
    controller.abort();
    assert.equal((await hanging).status, "retry");
    await sink[Symbol.asyncDispose]();
    const gone = await exportOnce(exporter, execs(1));
    assert.match(gone.status === "retry" ? gone.reason : "", /refused/);
  });
});

describe("a batch that is refused", () => {
  test("is given up to be split, and its parts are not sent to the signals that took it, nor counted again", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    const batch = testBatch(execs(4));
    const poison = batch.events[1]!.event.id;
    sink.answer = ({ signal, data }) =>
      signal === "logs" && eventIdsIn(data).includes(poison)
        ? { status: 400, body: "bad record" }
        : undefined;
    const first = await send(exporter, batch);
    assert.match(first.status === "fail" ? first.reason : "", /400.*bad record/);
    for (const [index, event] of batch.events.entries()) {
      const { status } = await send(exporter, { events: [event], sizeBytes: event.payload.length });
      assert.equal(status, index === 1 ? "fail" : "ok");
    }
    assert.equal(sink.signals.filter((signal) => signal === "traces").length, 1);
    assert.deepEqual(
      sink.loggedIds,
      batch.events.map(({ event }) => event.id).filter((id) => id !== poison),
    );
    assert.deepEqual(countOf(sink.requests, "sandglass.exec.count"), ["4"]);
  });

  test("for its size is split until it fits", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, signals: ["traces"] });
    const spansIn = (request: OtlpRequest) =>
      JSON.stringify(request.data).split('"sandbox.execute"').length - 1;
    sink.answer = (request) => (spansIn(request) > 2 ? { status: 413 } : undefined);
    const events = execs(4);
    assert.equal((await exportOnce(exporter, events)).status, "fail");
    assert.deepEqual(await exportOnce(exporter, events.slice(0, 2)), { status: "ok" });
  });
});

describe("a partial success", () => {
  test("is a yes with what was rejected, a span and the log record of one event counted once", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    const partials = {
      traces: encodeResponse("traces", { rejectedSpans: 2, errorMessage: "span too old" }),
      logs: encodeResponse("logs", { rejectedLogRecords: 1, errorMessage: "record too old" }),
      metrics: encodeResponse("metrics"),
    };
    sink.answer = ({ signal }) => ({ status: 200, headers: PROTOBUF, body: partials[signal] });
    assert.deepEqual(await exportOnce(exporter, execs(3)), {
      status: "ok",
      rejected: [
        {
          count: 2,
          reason: `${sink.url} rejected 2 spans: span too old; ${sink.url} rejected 1 log records: record too old`,
        },
      ],
    });
  });

  test("never rejects more than there was, and is told also when another signal had to be sent again", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    const batch = testBatch(execs(3));
    const body = encodeResponse("traces", { rejectedSpans: 1000 });
    sink.answer = ({ signal }) =>
      signal === "traces" ? { status: 200, headers: PROTOBUF, body } : { status: 503 };
    assert.equal((await send(exporter, batch)).status, "retry");
    sink.answer = () => undefined;
    const result = await send(exporter, batch);
    assert.deepEqual(result, {
      status: "ok",
      rejected: [{ count: 3, reason: `${sink.url} rejected 1000 spans` }],
    });
  });
});

test("what begins a span is known to its ending in a later batch", async () => {
  await using sink = await OtlpSink.start();
  await using exporter = await openOtel({ endpoint: sink.url, signals: ["traces"] });
  const started = otelEvent(
    "exec.started",
    { cwd: "/elsewhere" },
    { timestamp: "2026-04-18T13:59:00.000001Z" },
  );
  assert.deepEqual(await exportOnce(exporter, [started]), { status: "ok" });
  assert.deepEqual(sink.signals, []);
  await exportOnce(exporter, [otelEvent("exec.completed")]);
  const text = JSON.stringify(sink.requests[0]?.data);
  assert.match(text, /"startTimeUnixNano":"1776520740000001000"/);
  assert.match(text, /\/elsewhere/);
});

test("a daemon of two organisations keeps each one's events apart in what is sent", async () => {
  await using sink = await OtlpSink.start();
  await using exporter = await openOtel({ endpoint: sink.url, signals: ["logs"], protocol: "http/json" });
  const events = ["acme", "umbrella"].map((orgId) => otelEvent("port.exposed", {}, { orgId }));
  await exportOnce(exporter, events);
  const data = sink.requests[0]?.data as { resourceLogs: { resource: unknown }[] };
  const orgs = data.resourceLogs.map(
    ({ resource }) =>
      /"sandglass.org.id","value":\{"stringValue":"(\w+)"/.exec(JSON.stringify(resource))?.[1],
  );
  assert.deepEqual(orgs, ["acme", "umbrella"]);
});

describe("samples of sandboxes", () => {
  test("arrive on resources of their own beside what is summed up, and not twice", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, signals: ["metrics"] });
    const samples = ["sbx_a", "sbx_b"].map((sandboxId) => otelEvent("resource.sample", {}, { sandboxId }));
    const batch = testBatch([...execs(1), ...samples]);
    sink.answer = () => ({ status: 503 });
    assert.equal((await send(exporter, batch)).status, "retry");
    sink.answer = () => undefined;
    assert.deepEqual(await send(exporter, batch), { status: "ok" });
    assert.deepEqual(await exportOnce(exporter, execs(1)), { status: "ok" });
    const identities = sink.requests.map(({ data }) =>
      (data as { resourceMetrics: unknown[] }).resourceMetrics.map(
        (each) => /"sandglass.sandbox.id","value":{"stringValue":"(\w+)"/.exec(JSON.stringify(each))?.[1],
      ),
    );
    assert.deepEqual(identities, [[undefined, "sbx_a", "sbx_b"], [undefined]]);
  });
});
