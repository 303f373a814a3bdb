import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { describe, test } from "node:test";
import { until } from "@sandglass/testkit";
import { GrpcSink } from "../../exporters/otel/testing/grpc-sink.ts";
import { OtlpSink } from "../../exporters/otel/testing/otlp-sink.ts";
import { decodeByOracle, encodeResponse } from "../../otlp/testing/oracle.ts";
import type { Forwarder } from "./forwarder.ts";
import { ForwardWorld } from "./testing/forward-world.ts";
import { allNames, namesIn, numbered } from "./testing/received-spans.ts";

const NEVER = new AbortController().signal;
const PROTOBUF = { "content-type": "application/x-protobuf" };

async function flushed(forwarder: Forwarder): Promise<void> {
  assert.equal(await forwarder.flush(NEVER), true);
}

describe("one reader for all endpoints", () => {
  test("brings each its own requests, in order and merged, and nothing that is for nobody", async (t) => {
    const world = await ForwardWorld.open(t);
    await using one = await OtlpSink.start();
    await using two = await OtlpSink.start();
    const [a, b] = [await world.destination(one.url, "sbx_a"), await world.destination(two.url, "sbx_b")];
    for (let i = 0; i < 200; i++) {
      await world.spans(a, [`a ${2 * i}`, `a ${2 * i + 1}`]);
      await world.logs(b, [`b ${i}`]);
      await world.spans("", ["nobody's"]);
    }
    const forwarder = world.start();
    await flushed(forwarder);
    assert.deepEqual(allNames(one.requests), numbered("a", 400));
    assert.deepEqual(allNames(two.requests), numbered("b", 200));
    assert.ok(one.requests.length < 20, `${one.requests.length} requests`);
    const { total } = forwarder.summary();
    assert.deepEqual(total.accepted, { requests: 400, items: 600 });
    assert.deepEqual(total.delivered, total.accepted);
    assert.deepEqual([total.queued, total.inFlight, total.dropped], [none(), none(), {}]);
  });

  test("does not make a request larger than it may be, in items or bytes", async (t) => {
    const world = await ForwardWorld.open(t, { batchItems: 10, batchBytes: 2000 });
    await using sink = await OtlpSink.start();
    const id = await world.destination(sink.url);
    for (let i = 0; i < 20; i++) await world.spans(id, numbered("s", 3, 3 * i));
    await world.spans(id, numbered("large", 30));
    for (let i = 0; i < 8; i++) await world.spans(id, [`${i} ${"x".repeat(900)}`]);
    await flushed(world.start());
    const sizes = sink.requests.map((request) => namesIn(request).length);
    assert.deepEqual(sizes, [9, 9, 9, 9, 9, 9, 6, 30, 2, 2, 2, 2]);
  });

  test("speaks JSON and gRPC where that is asked for, each signal its own way", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    await using grpc = await GrpcSink.start();
    const id = await world.destination(sink.url, "sbx_1", {
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_HEADERS: "x-token=secret-1",
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: grpc.url,
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: "x-token=secret-2",
    });
    await world.spans(id, ["in JSON"]);
    await world.logs(id, ["through gRPC"]);
    await flushed(world.start());
    assert.deepEqual(allNames(sink.requests), ["in JSON"]);
    const { headers } = sink.requests[0]!;
    assert.deepEqual(
      [headers["content-type"], headers["content-encoding"], headers["x-token"]],
      ["application/json", "gzip", "secret-1"],
    );
    const [call] = grpc.calls;
    assert.deepEqual(namesIn({ data: decodeByOracle("logs", call!.body) }), ["through gRPC"]);
    assert.deepEqual(call!.metadata.get("x-token"), ["secret-2"]);
  });

  test("leaves out what the destination has no endpoint for, and counts it as filtered", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${sink.url}/v1/traces` };
    const id = await world.destination("", "sbx_1", env);
    await world.logs(id, ["a", "b"]);
    await world.spans(id, ["c"]);
    const forwarder = world.start();
    await flushed(forwarder);
    assert.deepEqual(sink.paths, ["/v1/traces"]);
    assert.deepEqual(forwarder.summary().total.filtered, { requests: 1, items: 2 });
  });
});

describe("what a destination answers", () => {
  test("is tried again where it may pass or a person can put it right", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const id = await world.destination(sink.url);
    const statuses = [401, 403, 404, 500, 429];
    sink.answer = () => {
      const status = statuses.shift();
      return status === undefined ? undefined : { status, headers: { "retry-after": "0" } };
    };
    await world.spans(id, ["kept"]);
    const forwarder = world.start();
    await flushed(forwarder);
    assert.deepEqual(allNames(sink.requests), ["kept"]);
    assert.equal(forwarder.summary().destinations[0]?.failedAttempts, 5);
  });

  test("is respected where it names a time", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const id = await world.destination(sink.url);
    const asked: number[] = [];
    sink.answer = () => {
      asked.push(Date.now());
      return asked.length === 1 ? { status: 503, headers: { "retry-after": "1" } } : undefined;
    };
    await world.spans(id, ["late"]);
    await flushed(world.start());
    assert.equal(asked.length, 2);
    assert.ok(asked[1]! - asked[0]! >= 990, `${asked[1]! - asked[0]!} ms`);
  });

  test("splits what it refuses until the one at fault is found, which goes to the dead letters", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const token = "s3cret-token";
    const id = await world.destination(sink.url, "sbx_1", {
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${token}`,
    });
    sink.answer = (request) =>
      namesIn(request).includes("bad")
        ? { status: 400, headers: { "content-type": "text/plain" }, body: `not with ${token}` }
        : undefined;
    const names = [...numbered("good", 20), "bad", ...numbered("good", 20, 20)];
    for (const name of names) await world.spans(id, [name]);
    const forwarder = world.start();
    await flushed(forwarder);
    assert.deepEqual(allNames(sink.requests), numbered("good", 40));
    const { total, destinations } = forwarder.summary();
    assert.deepEqual(total.dropped, { rejected: { requests: 1, items: 1 } });
    assert.deepEqual(total.delivered, { requests: 40, items: 40 });
    const text = readFileSync(world.deadLetterPath, "utf8");
    const { deadAt, body, ...letter } = JSON.parse(text) as Record<string, string>;
    assert.ok(Date.parse(deadAt!) > 0);
    assert.deepEqual(namesIn({ data: decodeByOracle("traces", Buffer.from(body!, "base64")) }), ["bad"]);
    const about = { destinationId: id, orgId: "acme", sandboxId: "sbx_1", signal: "traces", items: 1 };
    assert.deepEqual(letter, { ...about, reason: `${sink.url} answered 400: not with [redacted]` });
    assert.equal(statSync(world.deadLetterPath).mode & 0o777, 0o600);
    assert.ok(!JSON.stringify(destinations).includes(token));
    assert.match(destinations[0]!.lastError!.message, /not with \[redacted\]/);
  });

  test("counts what a partial success left out", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const id = await world.destination(sink.url);
    const partial = encodeResponse("traces", { rejectedSpans: 2, errorMessage: "too old" });
    sink.answer = () => ({ status: 200, headers: PROTOBUF, body: partial });
    await world.spans(id, numbered("s", 5));
    const forwarder = world.start();
    await flushed(forwarder);
    const { total, destinations } = forwarder.summary();
    assert.deepEqual(total.delivered, { requests: 1, items: 3 });
    assert.deepEqual(total.dropped, { rejected: { requests: 0, items: 2 } });
    assert.match(destinations[0]!.lastError!.message, /rejected 2 spans: too old/);
  });

  test("drops a signal that it has no place for, where it takes another", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const id = await world.destination(sink.url);
    sink.answer = ({ signal }) => (signal === "logs" ? { status: 404 } : undefined);
    await world.logs(id, ["nowhere"]);
    await world.spans(id, ["here"]);
    const forwarder = world.start();
    await flushed(forwarder);
    assert.deepEqual(forwarder.summary().total.dropped, { unsupported_signal: { requests: 1, items: 1 } });
    assert.ok(allNames(sink.requests).includes("here"));
  });

  test("is waited for where it takes nothing at all: then the endpoint is wrong", async (t) => {
    const world = await ForwardWorld.open(t);
    await using sink = await OtlpSink.start();
    const id = await world.destination(sink.url);
    sink.answer = () => ({ status: 404 });
    await world.logs(id, ["patient"]);
    const forwarder = world.start();
    await until("it has failed for a while", () => forwarder.summary().destinations[0]?.state === "stalled");
    assert.deepEqual(forwarder.summary().total.dropped, {});
    sink.answer = () => undefined;
    await flushed(forwarder);
    assert.ok(allNames(sink.requests).includes("patient"));
    assert.equal(forwarder.summary().destinations[0]?.state, "running");
  });
});

test("what is for a destination that nobody knows is counted and does not hold up the rest", async (t) => {
  const world = await ForwardWorld.open(t);
  await using sink = await OtlpSink.start();
  const id = await world.destination(sink.url);
  await world.spans("dst_unknown", ["a", "b"]);
  await world.spans(id, ["c"]);
  const forwarder = world.start();
  await flushed(forwarder);
  const { total } = forwarder.summary();
  assert.deepEqual(total.dropped, { no_destination: { requests: 1, items: 2 } });
  assert.deepEqual(total.delivered, { requests: 1, items: 1 });
});

function none(): { requests: number; items: number } {
  return { requests: 0, items: 0 };
}
