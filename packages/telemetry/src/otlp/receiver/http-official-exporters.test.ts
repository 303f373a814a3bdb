import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { logsFromProtobuf, metricsFromProtobuf, tracesFromProtobuf } from "../from-protobuf.ts";
import { type KeyValue, SIGNALS } from "../model.ts";
import { decodeAttributes } from "../relay/testing/decode-resources.ts";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { HttpHarness } from "./testing/http-harness.ts";
import { EXPORTS, SENT } from "./testing/http-official-exporters.ts";

const EXPECTED_ITEMS = { traces: 3, logs: 2, metrics: 2 } as const;
const EXPECTED_ATTRIBUTES: KeyValue[] = [
  { key: "http.request.method", value: { stringValue: "GET" } },
  { key: "retries", value: { intValue: "3" } },
  { key: "ratio", value: { doubleValue: 0.5 } },
  { key: "isCached", value: { boolValue: true } },
  { key: "tags", value: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] } } },
];

describe("what OpenTelemetry's own exporters for JavaScript send arrives whole, with the host's identity", () => {
  for (const signal of SIGNALS) {
    for (const encoding of ["json", "protobuf"] as const) {
      for (const compression of ["none", "gzip"] as const) {
        test(`${signal} in ${encoding}, compression ${compression}`, async () => {
          await using harness = new HttpHarness();
          const port = await harness.listen(tenantNamed("sbx_a"));
          await EXPORTS[signal]({ endpoint: `http://127.0.0.1:${port}`, encoding, compression });
          const [kept] = harness.sink.requests;
          assert.equal(harness.sink.requests.length, 1);
          assert.deepEqual([kept?.signal, kept?.items], [signal, EXPECTED_ITEMS[signal]]);
          assert.deepEqual(harness.intake.counts("sbx_a").refused, {});
          const [attributes = []] = decodeAttributes(signal, kept!.bytes);
          const named = Object.fromEntries(attributes.map(({ key, value }) => [key, value?.stringValue]));
          assert.equal(attributes.length, Object.keys(named).length);
          assert.equal(named["service.name"], "official");
          assert.equal(named["sandglass.sandbox.id"], "sbx_a");
          assert.equal(named["service.instance.id"], undefined);
          CHECKS[signal](kept!.bytes);
        });
      }
    }
  }
});

const CHECKS = {
  traces(bytes: Uint8Array): void {
    const spans = tracesFromProtobuf(bytes).resourceSpans![0]!.scopeSpans![0]!.spans!;
    assert.deepEqual(
      spans.map(({ name }) => name),
      SENT.spans,
    );
    for (const { attributes, startTimeUnixNano } of spans) {
      assert.deepEqual(attributes, EXPECTED_ATTRIBUTES);
      assert.match(String(startTimeUnixNano), /^\d{19}$/);
    }
  },
  logs(bytes: Uint8Array): void {
    const records = logsFromProtobuf(bytes).resourceLogs![0]!.scopeLogs![0]!.logRecords!;
    assert.deepEqual(
      records.map(({ body }) => body?.stringValue),
      SENT.logs,
    );
    for (const { attributes } of records) assert.deepEqual(attributes, EXPECTED_ATTRIBUTES);
  },
  metrics(bytes: Uint8Array): void {
    const [calls, duration] = metricsFromProtobuf(bytes).resourceMetrics![0]!.scopeMetrics![0]!.metrics!;
    const [point] = calls!.sum!.dataPoints!;
    assert.equal(String(point!.asInt ?? point!.asDouble), String(SENT.points));
    assert.deepEqual(point!.attributes, [{ key: "route", value: { stringValue: "/" } }]);
    assert.equal(duration!.histogram!.dataPoints![0]!.sum, 12.5);
  },
};
