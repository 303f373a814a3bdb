import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newSpanId } from "@sandglass/protocol";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { SignalSwitches } from "./signal-switches.ts";
import { GrpcSink } from "./testing/grpc-sink.ts";
import { exportOnce, openOtel } from "./testing/open-otel.ts";
import { OtlpSink } from "./testing/otlp-sink.ts";

const exec = () => otelEvent("exec.completed", {}, { spanId: newSpanId() });
const port = () => otelEvent("port.exposed");
const cost = () => otelEvent("cost.llm");

describe("a destination without a place for logs and metrics", () => {
  test("gets spans alone, and what no span tells is rejected with the advice to leave it out", async () => {
    for (const status of [404, 405, 501]) {
      await using sink = await OtlpSink.start();
      await using exporter = await openOtel({ endpoint: sink.url });
      sink.answer = ({ signal }) => (signal === "traces" ? undefined : { status });
      const result = await exportOnce(exporter, [exec(), port(), otelEvent("exec.started"), cost()]);
      assert.ok(result.status === "ok");
      const [first, second, ...more] = result.rejected ?? [];
      assert.deepEqual(
        [first && "index" in first && first.index, second && "index" in second && second.index],
        [1, 3],
      );
      assert.deepEqual(more, []);
      assert.match(first?.reason ?? "", /^unsupported_signal: logs and metrics.*set signals: \["traces"\]/);
      const { requests } = sink.server;
      assert.deepEqual(await exportOnce(exporter, [exec()]), { status: "ok" });
      assert.equal(sink.server.requests, requests + 1, "the signals that are off were asked again");
    }
  });

  test("is asked, where a batch has no spans, whether it is there at all", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, signals: ["traces", "logs"] });
    sink.answer = ({ signal }) => (signal === "traces" ? undefined : { status: 404 });
    const result = await exportOnce(exporter, [port()]);
    assert.ok(result.status === "ok" && result.rejected?.length === 1);
    assert.deepEqual(
      sink.requests.map(({ data }) => data),
      [{}],
    );
  });

  test("is told the same through gRPC", async () => {
    await using sink = await GrpcSink.start(undefined, ["traces"]);
    await using exporter = await openOtel({ endpoint: sink.url, protocol: "grpc" });
    const result = await exportOnce(exporter, [exec(), port()]);
    assert.ok(result.status === "ok" && result.rejected?.length === 1);
    assert.match(result.rejected?.[0]?.reason ?? "", /unsupported_signal.*UNIMPLEMENTED/);
  });

  test("loses no event that a metric tells of", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    sink.answer = ({ signal }) => (signal === "logs" ? { status: 404 } : undefined);
    const result = await exportOnce(exporter, [exec(), cost(), port()]);
    assert.ok(result.status === "ok");
    assert.deepEqual(
      result.rejected?.map((each) => "index" in each && each.index),
      [2],
    );
  });
});

describe("what looks like it and is not", () => {
  test("is a wrong endpoint, where nothing is taken: everything waits", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: `${sink.url}/wrong` });
    for (const events of [[exec(), port()], [port()]]) {
      const result = await exportOnce(exporter, events);
      assert.match(result.status === "retry" ? result.reason : "", /404/);
    }
  });

  test("is a bad moment, where the signal was taken before", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url });
    await exportOnce(exporter, [exec(), port()]);
    sink.answer = ({ signal }) => (signal === "logs" ? { status: 404 } : undefined);
    assert.equal((await exportOnce(exporter, [exec(), port()])).status, "retry");
  });

  test("is a mistake, where it is the only signal: nothing is rejected for it", async () => {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, signals: ["logs"] });
    sink.answer = () => ({ status: 404 });
    assert.equal((await exportOnce(exporter, [port()])).status, "retry");
  });
});

test("metrics that are refused for good are told once and left out, and no event is given up for them", async () => {
  await using sink = await OtlpSink.start();
  await using exporter = await openOtel({ endpoint: sink.url });
  sink.answer = ({ signal }) =>
    signal === "metrics" ? { status: 400, body: "no exemplars here" } : undefined;
  const result = await exportOnce(exporter, [exec(), port(), cost()]);
  assert.ok(result.status === "ok");
  const [rejection, ...more] = result.rejected ?? [];
  assert.deepEqual([rejection && "count" in rejection && rejection.count, more], [2, []]);
  assert.match(rejection?.reason ?? "", /400.*no exemplars here/);
  assert.deepEqual(await exportOnce(exporter, [exec(), cost()]), { status: "ok" });
  assert.deepEqual(
    sink.signals.filter((signal) => signal === "metrics"),
    [],
  );
});

test("a signal that is off is asked for again after ten minutes", () => {
  let now = 5;
  const switches = new SignalSwitches(() => now);
  switches.turnOff("logs", "404");
  assert.equal(switches.whyOff("logs"), "404");
  assert.equal(switches.whyOff("metrics"), undefined);
  now += 10 * 60_000 - 1;
  assert.equal(switches.whyOff("logs"), "404");
  now += 1;
  assert.equal(switches.whyOff("logs"), undefined);
});
