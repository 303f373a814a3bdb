import { randomBytes } from "node:crypto";

type Value = string | number;
type Attributes = Record<string, Value>;

const START_NANOS = 1_776_510_028_036_000_000n;

/** What a Python SDK says of itself. `service.instance.id` is the host's to say. */
const RESOURCE: Attributes = {
  "service.name": "research-agent",
  "service.instance.id": "627cc493-f310-47de-96bd-71410b7dec09",
  "telemetry.sdk.language": "python",
  "telemetry.sdk.name": "opentelemetry",
  "telemetry.sdk.version": "1.38.0",
  "process.pid": 4711,
  "process.runtime.name": "cpython",
  "process.runtime.version": "3.13.5",
};

/** A request with that many spans of the kinds that instrumentation makes most of, as an SDK sends them: 300 to 500 bytes each. */
export function spanRequest(spans: number): object {
  const traceId = randomBytes(16).toString("base64");
  const scopeSpans = { scope: { name: "opentelemetry.instrumentation.httpx", version: "0.59b0" } };
  const list = Array.from({ length: spans }, (_, index) => span(index, traceId));
  return {
    resourceSpans: [
      { resource: { attributes: keyValues(RESOURCE) }, scopeSpans: [{ ...scopeSpans, spans: list }] },
    ],
  };
}

function span(index: number, traceId: string): object {
  const startedAt = START_NANOS + BigInt(index) * 1_234_567n;
  const kinds = [httpCall, query, modelCall];
  return {
    traceId,
    spanId: randomBytes(8).toString("base64"),
    parentSpanId: randomBytes(8).toString("base64"),
    flags: 0x101,
    startTimeUnixNano: String(startedAt),
    endTimeUnixNano: String(startedAt + 12_345_678n),
    ...kinds[index % kinds.length]!(index),
  };
}

function httpCall(index: number): object {
  const attributes = keyValues({
    "http.request.method": "GET",
    "url.full": `https://api.example.com/v1/items/${index}?expand=owner`,
    "server.address": "api.example.com",
    "server.port": 443,
    "http.response.status_code": 200,
    "network.protocol.version": "1.1",
    "user_agent.original": "python-httpx/0.28.1",
  });
  return { name: "GET", kind: 3, attributes };
}

function query(index: number): object {
  const attributes = keyValues({
    "db.system.name": "postgresql",
    "db.namespace": "inventory",
    "db.operation.name": "SELECT",
    "db.query.text":
      "SELECT id, name, owner_id, updated_at FROM items WHERE owner_id = $1 ORDER BY updated_at LIMIT 50",
    "server.address": "db.internal",
    "db.response.returned_rows": index % 50,
  });
  return { name: "SELECT inventory", kind: 3, attributes };
}

function modelCall(index: number): object {
  const attributes = keyValues({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.response.id": `msg_${String(index).padStart(24, "0")}`,
    "gen_ai.usage.input_tokens": 1000 + index,
    "gen_ai.usage.output_tokens": 200 + (index % 100),
  });
  const events = [
    { timeUnixNano: String(START_NANOS), name: "gen_ai.choice", attributes: keyValues({ index: 0 }) },
  ];
  return { name: "chat claude-sonnet-4-5", kind: 3, attributes, events, status: { code: 1 } };
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) },
  }));
}
