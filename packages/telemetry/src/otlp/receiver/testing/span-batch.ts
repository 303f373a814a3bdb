import { randomBytes } from "node:crypto";
import { encodeTraces } from "../../encode-traces.ts";
import type { KeyValue, OtlpSpan } from "../../model.ts";

const START_NANOS = 1_776_510_028_036_000_000n;

/** An `ExportTraceServiceRequest` as an SDK sends it, with spans of about 200 bytes each. */
export function spanBatch(spans: number): Buffer {
  const traceId = randomBytes(16).toString("hex");
  const list = Array.from({ length: spans }, (_, index) => span(index, traceId));
  const scope = { name: "opentelemetry.instrumentation.httpx", version: "0.59b0" };
  const resource = {
    attributes: attributes({
      "service.name": "research-agent",
      "service.instance.id": "627cc493-f310-47de-96bd-71410b7dec09",
      "telemetry.sdk.language": "python",
      "telemetry.sdk.name": "opentelemetry",
      "telemetry.sdk.version": "1.38.0",
    }),
  };
  return encodeTraces({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: list }] }] });
}

function span(index: number, traceId: string): OtlpSpan {
  const startedAt = START_NANOS + BigInt(index) * 1_234_567n;
  return {
    traceId,
    spanId: randomBytes(8).toString("hex"),
    parentSpanId: randomBytes(8).toString("hex"),
    flags: 0x101,
    name: "GET",
    kind: 3,
    startTimeUnixNano: String(startedAt),
    endTimeUnixNano: String(startedAt + 12_345_678n),
    attributes: attributes({
      "http.request.method": "GET",
      "server.address": "api.example.com",
      "http.response.status_code": index % 7 === 0 ? 404 : 200,
      "url.full": `https://api.example.com/v1/items/${index}`,
    }),
  };
}

function attributes(values: Readonly<Record<string, string | number>>): KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) },
  }));
}
