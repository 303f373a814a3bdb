import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { AxiomSink } from "@sandglass/testkit";
import type { z } from "zod";
import type { EventBatch, Exporter, ExportResult } from "../delivery/exporter.ts";
import { axiom } from "./axiom.ts";
import type { PrepareContext, PreparedExporter } from "./definition.ts";
import { rawBatch, testBatch, testEvents } from "./http/testing/event-batch.ts";

const context: PrepareContext = { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] };
const never = new AbortController().signal;

describe("the Axiom exporter", () => {
  for (const compression of ["gzip", "zstd", "none"] as const) {
    test(`sends events with their _time and every field as it is (${compression})`, async (t) => {
      await using sink = await AxiomSink.start();
      const exporter = await opened(t, sink, { compression });
      const events = testEvents(100);
      assert.deepEqual(await sent(exporter, testBatch(events)), { status: "ok" });
      const expected = events.map((event) => [event.id, { _time: event.timestamp, ...event }]);
      assert.deepEqual([...sink.events], expected);
      const { headers } = sink.server.lastRequest!;
      assert.equal(headers["content-encoding"], compression === "none" ? undefined : compression);
      assert.equal(headers["content-type"], "application/x-ndjson");
    });
  }

  test("leaves the bytes of an event alone: numbers, escapes and the order of its fields", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink, { compression: "none" });
    const text =
      '{"id":"evt_1","seq":1,"timestamp":"2026-04-18T14:00:00Z","type":"a.b","n":1.50e3,"s":"\\u00e4"}';
    await sent(exporter, rawBatch([text]));
    const line = `{"_time":"2026-04-18T14:00:00Z",${text.slice(1)}\n`;
    assert.equal(sink.server.lastRequest?.body.toString(), line);
  });

  test("keeps one connection, and gives it back at the end", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    for (const event of testEvents(3)) await sent(exporter, testBatch([event]));
    assert.equal(sink.server.connections, 1);
    await exporter.shutdown();
    assert.equal((await sent(exporter, testBatch(testEvents(1)))).status, "retry");
  });

  test("tells the organisation where the token is a person's", async (t) => {
    await using sink = await AxiomSink.start({ token: "xapt-person" });
    const without = await opened(t, sink);
    assert.match(await retryReason(without), /answered 403 .*"a personal token needs an organisation"/);
    const exporter = await opened(t, sink, { orgId: "my-org" });
    assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
  });

  test("uses the dataset that it is given", async (t) => {
    await using sink = await AxiomSink.start({ dataset: "my events/all" });
    const exporter = await opened(t, sink, { dataset: "my events/all", url: `${sink.url}/` });
    assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
    assert.equal(sink.server.lastRequest?.path, "/v1/datasets/my%20events%2Fall/ingest");
  });
});

describe("what Axiom answers", () => {
  test("is a retry that says what to put right for a wrong token, dataset or URL", async (t) => {
    await using sink = await AxiomSink.start();
    const reasonWith = async (config: Config) => retryReason(await opened(t, sink, config));
    assert.match(await reasonWith({ token: "xaat-wrong-one" }), /answered 401 \(the credentials/);
    const dataset = await reasonWith({ dataset: "other" });
    assert.match(dataset, /dataset other answered 404 .*"dataset not found"/);
    assert.match(await reasonWith({ url: `${sink.url}/v2` }), /answered 404/);
    assert.equal(sink.events.size, 0);
  });

  test("is a fail for a body that it cannot take, so that the batch is split", async (t) => {
    await using sink = await AxiomSink.start({ maxBodyBytes: 500 });
    const exporter = await opened(t, sink, { compression: "none" });
    const events = testEvents(4);
    const large = await sent(exporter, testBatch(events));
    assert.equal(large.status, "fail");
    assert.deepEqual(await sent(exporter, testBatch(events.slice(0, 1))), { status: "ok" });
    assert.equal((await sent(exporter, rawBatch(["no JSON"]))).status, "fail");
  });

  test("is a retry for a page in place of a status, as a proxy gives", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    sink.fault = { wrongContentType: true };
    assert.match(await retryReason(exporter), /without the status of an ingest/);
    for (const body of ["", "null", "[]", '{"ingested":"1","failed":0}', '{"ingested":1']) {
      sink.fault = { status: 200, body };
      assert.match(await retryReason(exporter), /without the status of an ingest/);
    }
  });

  test("is a retry for a connection that is cut, refused, or given up", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    for (const fault of [{ resetBeforeBody: true }, { resetBeforeAnswer: true }, { resetMidBody: true }]) {
      sink.fault = fault;
      assert.match(
        await retryReason(exporter),
        /^no answer from http.*, dataset sandglass-events: the connection was closed/,
      );
    }
    sink.fault = { hang: true };
    const hanging = await exporter.export(testBatch(testEvents(1)), { signal: AbortSignal.timeout(50) });
    assert.match((hanging as { reason: string }).reason, /gave up waiting/);
    await sink.server.down();
    assert.match(await retryReason(exporter), /the connection was refused/);
    await sink.server.up();
    sink.fault = { dripMs: 1 };
    assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
  });

  test("is a retry after the time that its limits name", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    const inSeconds = (seconds: number) => String(Math.floor(Date.now() / 1000) + seconds);
    const waitFor = async (status: number, headers: Record<string, string>) => {
      sink.fault = { status, headers, body: '{"message":"rate limit exceeded"}' };
      const result = await sent(exporter, testBatch(testEvents(1)));
      assert.equal(result.status, "retry");
      return Math.round((result.afterMs ?? 0) / 10_000) * 10;
    };
    const requests = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": inSeconds(40) };
    const bytes = { "x-ingestlimit-remaining": "0", "x-ingestlimit-reset": inSeconds(100) };
    assert.equal(await waitFor(429, { "retry-after": "20", ...requests }), 20);
    assert.equal(await waitFor(429, requests), 40);
    assert.equal(
      await waitFor(430, { ...bytes, "x-ratelimit-remaining": "7", "x-ratelimit-reset": inSeconds(40) }),
      100,
    );
    assert.equal(await waitFor(429, { ...requests, ...bytes }), 100);
    assert.equal(await waitFor(429, { ...bytes, "x-ingestlimit-reset": inSeconds(86_400 * 20) }), 3600);
    assert.equal(
      await waitFor(429, { "x-ratelimit-reset": inSeconds(40), ...bytes, "x-ingestlimit-remaining": "1" }),
      40,
    );
    assert.equal(await waitFor(429, { ...requests, "x-ratelimit-reset": "soon" }), 0);
    assert.equal(await waitFor(429, {}), 0);
    assert.equal(await waitFor(503, requests), 0);
  });
});

describe("events that Axiom reports as failures", () => {
  test("are told apart by their time where no other event has the same", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    const events = testEvents(10);
    for (const index of [2, 7]) sink.failIds.add(events[index]!.id);
    const reason = "Axiom did not take it: told to fail";
    assert.deepEqual(await sent(exporter, testBatch(events)), {
      status: "ok",
      rejected: [
        { index: 2, reason },
        { index: 7, reason },
      ],
    });
    assert.equal(sink.events.size, 8);
  });

  test("are counted where several events have the time of a failure", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    const events = testEvents(10).map((event, index) =>
      index < 5 ? at(event, "2026-04-18T14:00:00Z") : event,
    );
    for (const index of [1, 8]) sink.failIds.add(events[index]!.id);
    const reason = "Axiom did not take it: told to fail";
    const rejected = [
      { index: 8, reason },
      { count: 1, reason },
    ];
    assert.deepEqual(await sent(exporter, testBatch(events)), { status: "ok", rejected });
  });

  test("are all of those with the time of the failures where as many failed", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    const events = testEvents(5).map((event, index) =>
      index < 2 ? at(event, "2026-04-18T16:00:00.5+02:00") : event,
    );
    for (const { id } of events.slice(0, 2)) sink.failIds.add(id);
    const result = await sent(exporter, testBatch(events));
    assert.deepEqual(indexes(result), [0, 1]);
  });

  test("are all where none was taken, also an event whose time cannot be read", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    const events = testEvents(3).map((event) => at(event, "no time"));
    assert.deepEqual(indexes(await sent(exporter, testBatch(events))), [0, 1, 2]);
  });

  test("are counted where the answer names none, or leaves events out of account", async (t) => {
    await using sink = await AxiomSink.start();
    const exporter = await opened(t, sink);
    const answers: [body: string, count: number][] = [
      ['{"ingested":3,"failed":1}', 1],
      ['{"ingested":2,"failed":2,"failures":[{"timestamp":"","error":"\\u0007x"},7,null,{}]}', 2],
      ['{"ingested":1,"failed":0,"failures":[]}', 3],
    ];
    for (const [body, count] of answers) {
      sink.fault = { status: 200, body };
      const result = await sent(exporter, testBatch(testEvents(4)));
      assert.ok(result.status === "ok" && result.rejected?.length === 1);
      assert.deepEqual({ ...result.rejected[0], reason: "" }, { count, reason: "" });
      assert.doesNotMatch(result.rejected[0]?.reason ?? "", /\u0007/);
    }
    sink.fault = { status: 200, body: '{"ingested":9,"failed":-5,"failures":null}' };
    assert.deepEqual(await sent(exporter, testBatch(testEvents(4))), { status: "ok" });
    sink.fault = { status: 200, body: '{"ingested":0,"failed":99}' };
    assert.deepEqual(indexes(await sent(exporter, testBatch(testEvents(2)))), [0, 1]);
  });
});

type Config = z.input<typeof axiom.schema>;

function prepare(config: Config, more: Partial<PrepareContext> = {}): PreparedExporter {
  return axiom.prepare(axiom.schema.parse(config), { ...context, ...more });
}

async function opened(
  t: { after(done: () => unknown): void },
  sink: AxiomSink,
  config: Config = {},
): Promise<Exporter> {
  const prepared = prepare({ token: sink.token, url: sink.url, ...config });
  const exporter = await prepared.open({ checkpoint: undefined });
  t.after(() => exporter.shutdown());
  return exporter;
}

function sent(exporter: Exporter, batch: EventBatch): Promise<ExportResult> {
  return exporter.export(batch, { signal: never });
}

async function retryReason(exporter: Exporter): Promise<string> {
  const result = await sent(exporter, testBatch(testEvents(1)));
  assert.equal(result.status, "retry");
  assert.doesNotMatch(result.reason, /xaat|xapt/);
  return result.reason;
}

function at(event: RuntimeEvent, timestamp: string): RuntimeEvent {
  return { ...event, timestamp };
}

function indexes(result: ExportResult): number[] {
  assert.equal(result.status, "ok");
  return (result.rejected ?? []).map((rejection) => ("index" in rejection ? rejection.index : -1));
}
