import type { OtlpSpan, TracesData } from "../../packages/telemetry/src/otlp/model.ts";
import { SPAN_KIND, STATUS_CODE } from "../../packages/telemetry/src/otlp/model.ts";

/** How the day is made up. */
export const TEMPLATES = ["python", "node", "bash", "analyst"] as const;
const SERVICES = ["report", "crawler", "planner", "billing", "search"] as const;
const NAMES = [
  ["invoke_agent", "chat", "execute_tool", "GET /v1/search", "POST /v1/items"],
  ["SELECT orders", "INSERT orders", "redis.get", "redis.set", "render", "parse", "embed", "rerank"],
] as const;
const MODELS = ["claude-sonnet", "claude-haiku", "gpt", "llama"] as const;
const SANDBOXES_PER_TEMPLATE = 50;
export const SANDBOXES = TEMPLATES.length * SANDBOXES_PER_TEMPLATE;
export const DAY_MS = 86_400_000;
/** Of a trace: from one span to some hundred, twenty on average. */
const MEAN_TRACE_SPANS = 20;

/** A trace as a program in a sandbox sends it. */
export interface SentTrace {
  /** Which of the sandboxes. */
  sandbox: number;
  traceId: string;
  /** Unix milliseconds when it had ended. */
  endedAt: number;
  data: TracesData;
  spans: number;
}

/**
 * Traces of agents that call models and tools, requests, queries; durations over four orders of magnitude, one trace in thirty with an
 * error. The same for the same arguments, but for when it is.
 *
 * @param spans so many in all @param when `endsAt`: Unix milliseconds; `firstTrace`: numbers of traces from here on are theirs
 */
export function* tracesOver(
  spans: number,
  { endsAt, lengthMs, firstTrace = 0 }: { endsAt: number; lengthMs: number; firstTrace?: number },
): Generator<SentTrace> {
  const random = randomNumbers(7 + firstTrace);
  const begin = (endsAt - lengthMs) * 1000;
  const traces = Math.max(1, Math.round(spans / MEAN_TRACE_SPANS));
  let left = spans;
  for (let index = 0; left > 0; index++) {
    const start = begin + Math.min(0.999, index / traces) * lengthMs * 1000;
    const count = Math.min(left, Math.ceil(-Math.log(1 - random()) * MEAN_TRACE_SPANS));
    left -= count;
    yield traceOf(firstTrace + index, count, start, random);
  }
}

/** One trace, ten children to a span, of `spans`. */
export function longTrace(traceId: string, spans: number, endsAt: number): SentTrace[] {
  const random = randomNumbers(11);
  const start = endsAt * 1000 - spans * 1000;
  const sent: SentTrace[] = [];
  for (let first = 0; first < spans; first += 500) {
    const list = Array.from({ length: Math.min(500, spans - first) }, (_, offset) => {
      const index = first + offset;
      const parent = index === 0 ? "" : spanIdOf(9e9, Math.floor((index - 1) / 10));
      return spanOf({
        traceId,
        spanId: spanIdOf(9e9, index),
        parent,
        start: start + index * 1000,
        random,
        trace: 0,
      });
    });
    sent.push({ sandbox: 0, traceId, endedAt: endsAt, data: dataOf(0, list), spans: list.length });
  }
  return sent;
}

export function traceIdOf(index: number): string {
  // As random as those of SDKs: a store has to find its place for each.
  return (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0") + "5eed".repeat(6);
}

function traceOf(index: number, count: number, start: number, random: () => number): SentTrace {
  const traceId = traceIdOf(index);
  const sandbox = Math.floor(random() * SANDBOXES);
  const spans: OtlpSpan[] = [];
  let end = start;
  for (let number = 0; number < count; number++) {
    const parent = number === 0 ? "" : spanIdOf(index, Math.floor(random() * number));
    const span = spanOf({
      traceId,
      spanId: spanIdOf(index, number),
      parent,
      start: start + number * 700,
      random,
      trace: index,
    });
    end = Math.max(end, Number(BigInt(span.endTimeUnixNano) / 1000n));
    spans.push(span);
  }
  return { sandbox, traceId, endedAt: end / 1000, data: dataOf(sandbox, spans), spans: count };
}

function dataOf(sandbox: number, spans: OtlpSpan[]): TracesData {
  const service = SERVICES[sandbox % SERVICES.length]!;
  const attributes = [
    text("service.name", service),
    text("service.version", "1.4.2"),
    text("telemetry.sdk.language", "python"),
    text("host.name", `sandbox-${sandbox}`),
  ];
  return {
    resourceSpans: [
      { resource: { attributes }, scopeSpans: [{ scope: { name: "agent", version: "2.1" }, spans }] },
    ],
  };
}

interface Wanted {
  traceId: string;
  spanId: string;
  parent: string;
  /** Unix microseconds. */
  start: number;
  random: () => number;
  trace: number;
}

function spanOf({ traceId, spanId, parent, start, random, trace }: Wanted): OtlpSpan {
  const names = NAMES[parent === "" ? 0 : 1];
  const name = names[Math.floor(random() * names.length)]!;
  const durationMicros = Math.round(10 ** (2 + 4 * random() * random()));
  const hasFailed = random() < 0.0017;
  const attributes = [
    text("http.request.method", random() < 0.7 ? "GET" : "POST"),
    { key: "http.response.status_code", value: { intValue: hasFailed ? 500 : 200 } },
    text("user.id", `user-${Math.floor(random() * 10_000)}`),
    text("gen_ai.request.model", MODELS[Math.floor(random() * MODELS.length)]!),
    { key: "db.rows", value: { intValue: Math.floor(random() * 1000) } },
    { key: "cache.hit", value: { boolValue: random() < 0.5 } },
    // Of one trace alone.
    ...(parent === "" ? [text("order.id", `order-${trace}`)] : []),
  ];
  return {
    traceId,
    spanId,
    parentSpanId: parent,
    name,
    kind: parent === "" ? SPAN_KIND.SERVER : SPAN_KIND.INTERNAL,
    startTimeUnixNano: nanosOf(start),
    endTimeUnixNano: nanosOf(start + durationMicros),
    attributes,
    status: hasFailed ? { code: STATUS_CODE.ERROR, message: "it failed" } : { code: STATUS_CODE.UNSET },
  };
}

function spanIdOf(trace: number, index: number): string {
  return (trace * 100_000 + index + 1).toString(16).padStart(16, "0");
}

function nanosOf(micros: number): string {
  return `${Math.round(micros)}000`;
}

function text(key: string, value: string) {
  return { key, value: { stringValue: value } };
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
