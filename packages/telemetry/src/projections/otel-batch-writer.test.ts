import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogEvent } from "../delivery/log-event.ts";
import { encodeLogs } from "../otlp/encode-logs.ts";
import { encodeTraces } from "../otlp/encode-traces.ts";
import { decodeByOracle, type OracleSignal } from "../otlp/testing/oracle.ts";
import { openingAttributes } from "./otel-attributes.ts";
import { projectBatch, type Wanted } from "./otel-batch.ts";
import { OtelBatchWriter } from "./otel-batch-writer.ts";
import { OtelMemory } from "./otel-memory.ts";
import { serviceResource } from "./otel-resource.ts";
import { arbitraryJson } from "./testing/arbitrary-events.ts";
import { otelEvent, otelEvents } from "./testing/otel-events.ts";

const sending = {
  service: serviceResource({ name: "shop", version: "1.2.3", attributes: { "host.name": "h" } }),
  scope: { name: "sandglass", version: "1.2.3" },
};
const all: Wanted = { traces: true, logs: true };

function logEvents(payloads: readonly string[]): LogEvent[] {
  // Beside each other, as in a chunk of the log.
  const chunk = Buffer.from(payloads.join("\n"));
  let at = 0;
  return payloads.map((payload, index) => {
    const start = at;
    at += Buffer.byteLength(payload);
    const event = new LogEvent(index + 1, chunk, start, at);
    at += 1;
    return event;
  });
}

function read(signal: OracleSignal, request: Uint8Array | undefined): unknown {
  return request === undefined ? undefined : decodeByOracle(signal, request);
}

/** Both ways to the same request, and what a server reads of each. */
function assertSame(payloads: readonly string[], wanted: readonly Wanted[], writer = newWriter()): void {
  const memory = new OtelMemory(openingAttributes);
  for (const round of [1, 2]) {
    const events = logEvents(payloads);
    const model = projectBatch(
      events.map(({ event }) => event),
      (index) => wanted[index]!,
      { ...sending, memory },
    );
    const written = writer.write(
      events,
      (index) => wanted[index]!,
      () => undefined,
    );
    const { spanCount, logCount } = model;
    assert.deepEqual([written.spanCount, written.logCount, written.unreadable], [spanCount, logCount, []]);
    const traces = spanCount === 0 ? undefined : encodeTraces(model.traces);
    const logs = logCount === 0 ? undefined : encodeLogs(model.logs);
    assert.deepEqual(read("traces", written.traces), read("traces", traces), `traces of round ${round}`);
    assert.deepEqual(read("logs", written.logs), read("logs", logs), `logs of round ${round}`);
    for (const request of [written.traces, written.logs]) if (request) writer.release(request);
  }
}

function newWriter(): OtelBatchWriter {
  return new OtelBatchWriter(sending);
}

test("events of every type, with every field, are written as they are projected", () => {
  const payloads = otelEvents().map((event) => JSON.stringify(event));
  assertSame(
    payloads,
    payloads.map(() => all),
  );
});

test("any events, however they are written, are written as they are projected", () => {
  const wanted = fc.record({ traces: fc.boolean(), logs: fc.boolean() });
  // One writer for all of them: nothing of an event may be left for the next.
  const writer = newWriter();
  fc.assert(
    fc.property(fc.array(fc.tuple(arbitraryJson, wanted), { minLength: 1, maxLength: 12 }), (batch) => {
      const [payloads, wants] = [batch.map(([json]) => json), batch.map(([, want]) => want)];
      assertSame(payloads, wants);
      // Its memory is of other batches too: only that it can be read is told here.
      const { unreadable } = writer.write(
        logEvents(payloads),
        (index) => wants[index]!,
        () => undefined,
      );
      assert.deepEqual(unreadable, []);
    }),
    { numRuns: 300 },
  );
});

test("an event of a type that is not known is a log record with all it says", () => {
  const event = {
    ...otelEvent("port.exposed"),
    type: "gpu.used",
    data: { gpuIndex: 1, deep: { usedMs: 2 } },
  };
  assertSame([JSON.stringify(event)], [all]);
});

test("an event with more fields, and a value with more attributes, than there was room for", () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, index]));
  const event = otelEvent("exec.completed", { ...many, deep: many } as object);
  assertSame([JSON.stringify(event)], [all]);
});

test("names beyond those that get a number are written like others", () => {
  const writer = newWriter();
  for (let first = 0; first < 4000; first += 400) {
    const more = Array.from({ length: 400 }, (_, index) => [`some "${first + index}" field`, index]);
    const event = otelEvent("exec.completed", Object.fromEntries(more) as object);
    assertSame([JSON.stringify(event)], [all], writer);
  }
});

test("records that are no events are told apart, and the others are written", () => {
  const good = JSON.stringify(otelEvent("exec.completed"));
  const bad = ["", "{}", "null", '{"type":"exec.completed"}', good.slice(0, -2), good.replace("}", "!")];
  const writer = newWriter();
  const seen: number[] = [];
  const { spanCount, unreadable } = writer.write(
    logEvents([...bad, good]),
    () => all,
    (_, index) => seen.push(index),
  );
  assert.deepEqual([spanCount, unreadable, seen], [1, [0, 1, 2, 3, 4, 5], [6]]);
});

test("memory is used again only for requests that were given back", () => {
  const writer = newWriter();
  const events = logEvents([JSON.stringify(otelEvent("exec.completed"))]);
  const write = () =>
    writer.write(
      events,
      () => ({ traces: true, logs: false }),
      () => undefined,
    ).traces!;
  const [first, second] = [write(), write()];
  assert.ok(first.buffer !== second.buffer);
  const expected = read("traces", second);
  writer.release(first);
  const third = write();
  assert.ok(third.buffer === first.buffer);
  assert.deepEqual(read("traces", second), expected);
  assert.deepEqual(read("traces", third), expected);
});
