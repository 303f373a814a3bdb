import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { newSpanId } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { encodeResponse } from "../../otlp/testing/oracle.ts";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { testBatch } from "../http/testing/event-batch.ts";
import { GrpcSink } from "./testing/grpc-sink.ts";
import { exportOnce, openOtel } from "./testing/open-otel.ts";
import { retryInfoStatus } from "./testing/retry-info.ts";

const exec = () => otelEvent("exec.completed", {}, { spanId: newSpanId() });
const never = () => new AbortController().signal;

describe("OTLP over gRPC", () => {
  test("a time that the server names in RetryInfo is passed on", async () => {
    await using sink = await GrpcSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, protocol: "grpc" });
    const statusDetails = retryInfoStatus(3.5, "come back later");
    sink.answer = () => ({ code: status.UNAVAILABLE, details: "busy", statusDetails });
    const result = await exportOnce(exporter, [exec()]);
    assert.deepEqual(result, {
      status: "retry",
      reason: `${sink.url}: gRPC UNAVAILABLE: come back later`,
      afterMs: 3500,
    });
  });

  test("only the signals that were not taken are sent again", async () => {
    await using sink = await GrpcSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, protocol: "grpc" });
    const batch = testBatch([exec()]);
    sink.answer = ({ signal }) => (signal === "logs" ? { code: status.UNAVAILABLE } : {});
    assert.equal((await exporter.export(batch, { signal: never() })).status, "retry");
    sink.calls.length = 0;
    sink.answer = () => ({});
    assert.deepEqual(await exporter.export(batch, { signal: never() }), { status: "ok" });
    assert.deepEqual(
      sink.calls.map(({ signal }) => signal),
      ["logs"],
    );
  });

  test("data that is wrong is given up, a partial success is counted", async () => {
    await using sink = await GrpcSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, protocol: "grpc", signals: ["traces"] });
    sink.answer = () => ({ code: status.INVALID_ARGUMENT, details: "bad\u0000 span" });
    assert.deepEqual(await exportOnce(exporter, [exec()]), {
      status: "fail",
      reason: `${sink.url}: gRPC INVALID_ARGUMENT: bad span`,
    });
    sink.answer = () => ({ body: encodeResponse("traces", { rejectedSpans: 1, errorMessage: "too old" }) });
    assert.deepEqual(await exportOnce(exporter, [exec(), exec()]), {
      status: "ok",
      rejected: [{ count: 1, reason: `${sink.url} rejected 1 spans: too old` }],
    });
  });

  test("a call that nobody waits for any more is given up, and the next one takes a new connection", async () => {
    await using sink = await GrpcSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, protocol: "grpc", signals: ["traces"] });
    sink.answer = () => ({ hang: true });
    const controller = new AbortController();
    const hanging = exporter.export(testBatch([exec()]), { signal: controller.signal });
    await until("the call is there", () => sink.calls.length === 1);
    controller.abort();
    assert.match(((await hanging) as { reason: string }).reason, /no answer/);
    sink.answer = () => ({});
    assert.deepEqual(await exportOnce(exporter, [exec()]), { status: "ok" });
    const [first, second] = sink.calls.map(({ peer }) => peer);
    assert.notEqual(first, second);
  });

  test("a server that is not there is a retry that says so, and its return is noticed", async () => {
    const sink = await GrpcSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, protocol: "grpc", signals: ["traces"] });
    await sink[Symbol.asyncDispose]();
    const gone = await exportOnce(exporter, [exec()]);
    assert.match(gone.status === "retry" ? gone.reason : "", /UNAVAILABLE.*(refused|ECONNREFUSED)/);
    await using back = await GrpcSink.start(undefined, ["traces"], Number(new URL(sink.url).port));
    await until("it is sent to again", async () => (await exportOnce(exporter, [exec()])).status === "ok");
    assert.equal(back.calls.length, 1);
  });

  test("bodies are compressed where that is asked for", async () => {
    for (const [compression, encoding] of [
      ["gzip", "gzip"],
      ["none", undefined],
    ] as const) {
      const seen: unknown[] = [];
      const server = createServer();
      server.on("stream", (stream: ServerHttp2Stream, headers) => {
        seen.push(headers["grpc-encoding"] === "identity" ? undefined : headers["grpc-encoding"]);
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(Buffer.alloc(5));
        stream.resume();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      {
        const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        await using exporter = await openOtel({
          endpoint,
          protocol: "grpc",
          compression,
          signals: ["traces"],
        });
        assert.deepEqual(await exportOnce(exporter, [exec()]), { status: "ok" });
      }
      server.close();
      assert.deepEqual(seen, [encoding]);
    }
  });
});
