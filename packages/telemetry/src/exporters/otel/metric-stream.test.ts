import assert from "node:assert/strict";
import { test } from "node:test";
import { LogEvent } from "../../delivery/log-event.ts";
import type { MetricsData } from "../../otlp/model.ts";
import { openingAttributes } from "../../projections/otel-attributes.ts";
import { OtelMemory } from "../../projections/otel-memory.ts";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { testBatch } from "../http/testing/event-batch.ts";
import { MetricStream } from "./metric-stream.ts";
import type { SignalOutcome } from "./otlp-transport.ts";

const COUNT = "sandglass.exec.count";
const OK: SignalOutcome = { status: "ok" };
const never = new AbortController().signal;
const { events: execs } = testBatch([otelEvent("exec.completed"), otelEvent("exec.completed")]);
const { events: unmeasured } = testBatch([otelEvent("port.exposed")]);

/** A stream of deltas whose reports are answered by hand; each is the number of execs in it. */
function streamOfCounts(): {
  stream: MetricStream;
  posts: { count: number; answer(outcome: SignalOutcome): void }[];
} {
  const posts: { count: number; answer(outcome: SignalOutcome): void }[] = [];
  const stream = new MetricStream({
    service: [],
    scope: { name: "test" },
    temporality: "delta",
    sandboxes: new OtelMemory(openingAttributes),
    encode({ resourceMetrics = [] }) {
      const metrics = resourceMetrics.flatMap(({ scopeMetrics = [] }) => scopeMetrics);
      const count = metrics.flatMap(({ metrics = [] }) => metrics).find(({ name }) => name === COUNT);
      return Buffer.of(Number(count?.sum?.dataPoints?.[0]?.asInt ?? 0));
    },
    post(body) {
      const { promise, resolve } = Promise.withResolvers<SignalOutcome>();
      posts.push({ count: body[0] ?? 0, answer: resolve });
      return promise;
    },
  });
  return { stream, posts };
}

/** Counts a batch in; what has to be delivered for it. */
function absorb(stream: MetricStream, events: readonly LogEvent[], isOff?: boolean): number {
  const count = stream.countBatch(isOff);
  for (const record of events) count.absorb(record.event, record);
  return count.upTo;
}

test("batches that come while a report is under way are in one report after it", async () => {
  const { stream, posts } = streamOfCounts();
  const first = stream.deliver(absorb(stream, execs), never);
  const others = [1, 2, 3].map(() => stream.deliver(absorb(stream, execs), never));
  assert.deepEqual(
    posts.map(({ count }) => count),
    [2],
  );
  posts[0]?.answer(OK);
  assert.deepEqual(await first, OK);
  assert.deepEqual(
    posts.map(({ count }) => count),
    [2, 6],
  );
  posts[1]?.answer(OK);
  assert.deepEqual(await Promise.all(others), [OK, OK, OK]);
});

test("a report that did not arrive is a retry for all who wait, and goes out again as it was", async () => {
  const { stream, posts } = streamOfCounts();
  const [first, second] = [absorb(stream, execs), absorb(stream, execs)];
  const both = [stream.deliver(first, never), stream.deliver(second, never)];
  const retry: SignalOutcome = { status: "retry", reason: "503" };
  posts[0]?.answer(retry);
  assert.deepEqual(await Promise.all(both), [retry, retry]);
  const third = stream.deliver(absorb(stream, execs), never);
  assert.deepEqual(
    posts.map(({ count }) => count),
    [4, 4],
  );
  posts[1]?.answer(OK);
  assert.deepEqual(await Promise.all([stream.deliver(first, never), stream.deliver(second, never)]), [
    OK,
    OK,
  ]);
  assert.deepEqual(
    posts.map(({ count }) => count),
    [4, 4, 2],
  );
  posts[2]?.answer(OK);
  assert.deepEqual(await third, OK);
});

test("a report that is refused is told to everyone in it and not sent again", async () => {
  const { stream, posts } = streamOfCounts();
  const both = [absorb(stream, execs), absorb(stream, execs)].map((upTo) => stream.deliver(upTo, never));
  const fail: SignalOutcome = { status: "fail", reason: "400" };
  posts[0]?.answer(fail);
  assert.deepEqual(await Promise.all(both), [fail, fail]);
  const next = stream.deliver(absorb(stream, execs), never);
  posts[1]?.answer(OK);
  assert.deepEqual(await next, OK);
  assert.deepEqual(
    posts.map(({ count }) => count),
    [4, 2],
  );
});

test("what was rejected of a report is told once", async () => {
  const { stream, posts } = streamOfCounts();
  const both = [absorb(stream, execs), absorb(stream, execs)].map((upTo) => stream.deliver(upTo, never));
  const partial: SignalOutcome = { status: "ok", rejected: 1, reason: "too old" };
  posts[0]?.answer(partial);
  assert.deepEqual(await Promise.all(both), [partial, OK]);
});

test("events that no metric tells of make no report", async () => {
  const { stream, posts } = streamOfCounts();
  assert.equal(absorb(stream, unmeasured), 0);
  assert.deepEqual(await stream.deliver(0, never), OK);
  const nothing = testBatch([otelEvent("cost.runtime", { costUsd: -1 })]).events;
  assert.deepEqual(await stream.deliver(absorb(stream, nothing), never), OK);
  assert.deepEqual(posts, []);
});

test("samples go along as they were, a thousand in a report, and come to nothing where reports are not sent", async () => {
  const bodies: MetricsData[] = [];
  const stream = new MetricStream({
    service: [],
    scope: { name: "test" },
    temporality: "cumulative",
    sandboxes: new OtelMemory(openingAttributes),
    encode: (data) => Buffer.from(JSON.stringify(data)),
    post: async (body) => {
      bodies.push(JSON.parse(Buffer.from(body).toString()));
      return OK;
    },
  });
  const { events } = testBatch([
    otelEvent("exec.completed"),
    ...Array.from({ length: 1500 }, (_, index) =>
      otelEvent("resource.sample", {}, { sandboxId: `sbx_${index % 3}` }),
    ),
  ]);
  assert.equal(absorb(stream, testBatch([otelEvent("resource.sample")]).events, true), 0);
  const upTo = absorb(stream, events);
  assert.deepEqual(await stream.deliver(upTo, never), OK);
  const counts = bodies.map(({ resourceMetrics = [] }) =>
    resourceMetrics.map(({ scopeMetrics }) => scopeMetrics?.[0]?.metrics?.[0]?.gauge?.dataPoints?.length),
  );
  // The first without a gauge is what is summed up of all sandboxes.
  assert.deepEqual(counts, [
    [undefined, 334, 333, 333],
    [167, 167, 166],
  ]);
});

test("a sample that waits for its report has nothing left in the memory that it was read into", async () => {
  const sample = otelEvent("resource.sample");
  const memory = Buffer.from(JSON.stringify(sample));
  const posted: boolean[] = [];
  const stream = new MetricStream({
    service: [],
    scope: { name: "test" },
    temporality: "delta",
    sandboxes: new OtelMemory(openingAttributes),
    encode: (data) => Buffer.from(JSON.stringify(data)),
    post: async (body) => {
      posted.push(Buffer.from(body).includes(sample.sandboxId));
      return OK;
    },
  });
  const record = new LogEvent(1, memory);
  const count = stream.countBatch();
  count.absorb(sample, record);
  memory.fill("x");
  assert.deepEqual(await stream.deliver(count.upTo, never), OK);
  assert.deepEqual(posted, [true]);
});
