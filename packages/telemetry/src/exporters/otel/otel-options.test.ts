import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type RuntimeEvent, SandglassError } from "@sandglass/protocol";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { exportOnce, openOtel, prepareOtel } from "./testing/open-otel.ts";
import { OtlpSink } from "./testing/otlp-sink.ts";

const ENDPOINT = "https://collector.example.org:4318";

function refused(config: object, message: RegExp, env: Record<string, string> = {}, more: object = {}): void {
  assert.throws(
    () => prepareOtel(config, { env, ...more }),
    (error) => {
      assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

describe("how it is fed", () => {
  const traitsOf = (config: object, env: Record<string, string> = {}) =>
    prepareOtel({ endpoint: ENDPOINT, ...config }, { env }).traits;

  test("is as SDKs do by default, and as the environment says", () => {
    const { order, concurrency, batchSize, flushIntervalMs, maxQueueSize, timeoutMs } = traitsOf({});
    assert.deepEqual(
      { order, concurrency, batchSize, flushIntervalMs, maxQueueSize, timeoutMs },
      {
        order: "none",
        concurrency: 4,
        batchSize: 512,
        flushIntervalMs: 1000,
        maxQueueSize: 2048,
        timeoutMs: 10_000,
      },
    );
    const given = traitsOf(
      {},
      {
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "100",
        OTEL_BSP_SCHEDULE_DELAY: "200",
        OTEL_BSP_MAX_QUEUE_SIZE: "300",
        OTEL_EXPORTER_OTLP_TIMEOUT: "400",
      },
    );
    assert.deepEqual(
      [given.batchSize, given.flushIntervalMs, given.maxQueueSize, given.timeoutMs],
      [100, 200, 300, 400],
    );
    assert.equal(traitsOf({}, { OTEL_EXPORTER_OTLP_TIMEOUT: "0" }).timeoutMs, 3_600_000);
    const own = { OTEL_EXPORTER_OTLP_TIMEOUT: "400", OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "900" };
    assert.equal(traitsOf({}, { ...own, OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "700" }).timeoutMs, 900);
    assert.equal(traitsOf({ signals: ["logs"] }, own).timeoutMs, 400);
    refused({ endpoint: ENDPOINT }, /OTEL_BSP_SCHEDULE_DELAY is not a whole number/, {
      OTEL_BSP_SCHEDULE_DELAY: "1s",
    });
  });

  test("follows batchConfig over the environment, and common options over both", () => {
    const batchConfig = { maxQueueSize: 30, maxExportBatchSize: 20, scheduleDelayMs: 10 };
    const env = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "100" };
    const { batchSize, flushIntervalMs, maxQueueSize } = traitsOf({ batchConfig }, env);
    assert.deepEqual([batchSize, flushIntervalMs, maxQueueSize], [20, 10, 30]);
    assert.equal(traitsOf({ batchConfig, batchSize: 5 }).batchSize, 5);
  });

  test("one by one with the simple processor", () => {
    const { batchSize, flushIntervalMs } = traitsOf({ spanProcessor: "simple" });
    assert.deepEqual([batchSize, flushIntervalMs], [1, 0]);
  });
});

describe("signals", () => {
  test("without logs leave out events that mean nothing to the others", () => {
    const accepts = (signals: string[] | undefined, type: Parameters<typeof otelEvent>[0]) =>
      prepareOtel({ endpoint: ENDPOINT, ...(signals && { signals }) }).accepts?.(
        otelEvent(type) as RuntimeEvent,
      ) ?? true;
    const types = ["exec.started", "exec.completed", "port.exposed", "cost.llm"] as const;
    const accepted = (signals?: string[]) => types.map((type) => accepts(signals, type));
    assert.deepEqual(accepted(), [true, true, true, true]);
    assert.deepEqual(accepted(["traces"]), [true, true, false, false]);
    assert.deepEqual(accepted(["metrics"]), [false, true, false, true]);
    assert.deepEqual(accepted(["traces", "metrics"]), [true, true, false, true]);
    assert.deepEqual(accepted(["logs"]), [true, true, true, true]);
  });
});

describe("the rest of the environment", () => {
  async function resourceOf(config: object, env: Record<string, string>) {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, signals: ["traces"], ...config }, { env });
    await exportOnce(exporter, [otelEvent("exec.completed")]);
    const text = JSON.stringify(sink.requests[0]?.data);
    const value = (key: string) => new RegExp(`"${key}","value":\\{"\\w+":"?([^"}]+)`).exec(text)?.[1];
    return { value, headers: sink.requests[0]?.headers };
  }

  test("names the service, options first", async () => {
    const env = {
      OTEL_SERVICE_NAME: "from-env",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=ignored,service.version=9,deployment.environment.name=a%2Cb",
    };
    const { value } = await resourceOf({}, env);
    assert.deepEqual(
      [value("service.name"), value("service.version"), value("deployment.environment.name")],
      ["from-env", "9", "a,b"],
    );
    const given = await resourceOf(
      { serviceName: "mine", resourceAttributes: { "service.version": 10, a: true } },
      env,
    );
    assert.deepEqual(
      [given.value("service.name"), given.value("service.version"), given.value("a")],
      ["mine", "10", "true"],
    );
    assert.equal((await resourceOf({}, {})).value("service.name"), "sandglass");
  });

  test("chooses protocol, compression and temporality, and is told where it chooses none", async () => {
    const { headers } = await resourceOf(
      {},
      { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" },
    );
    assert.deepEqual(
      [headers?.["content-type"], headers?.["content-encoding"]],
      ["application/json", "gzip"],
    );
    for (const [name, value] of [
      ["OTEL_EXPORTER_OTLP_PROTOCOL", "http/thrift"],
      ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/thrift"],
      ["OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"],
      ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "gauge"],
    ] as const) {
      refused({ endpoint: ENDPOINT }, new RegExp(`${name} is none of`), { [name]: value });
    }
    // A signal's own wins; two protocols are two exporters.
    const two = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" };
    const own = prepareOtel({ endpoint: ENDPOINT, signals: ["traces"] }, { env: two });
    assert.match(own.destination, /over http\/json$/);
    refused({ endpoint: ENDPOINT }, /asks for http\/json and for grpc/, two);
    const { headers: plain } = await resourceOf({}, {});
    assert.deepEqual(
      [plain?.["content-type"], plain?.["content-encoding"]],
      ["application/x-protobuf", undefined],
    );
  });
});

test("verify says of a destination that is not there what is wrong with it", async () => {
  const sink = await OtlpSink.start();
  const prepared = prepareOtel({ endpoint: sink.url });
  await prepared.verify?.(new AbortController().signal);
  await sink[Symbol.asyncDispose]();
  await assert.rejects(async () => prepared.verify?.(new AbortController().signal), /refused/);
});
