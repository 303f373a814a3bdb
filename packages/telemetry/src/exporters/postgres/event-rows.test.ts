import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENT_TYPES, type RuntimeEvent } from "@sandglass/protocol";
import { LogEvent } from "../../delivery/log-event.ts";
import { DurableLog } from "../../log/durable-log.ts";
import { readAll, temporaryDirectory } from "../../log/testing/test-log.ts";
import { created, execOf, newPlace } from "../../record/testing/event-inputs.ts";
import { Recorder } from "../../recorder.ts";
import { rawBatch, testBatch, testEvent } from "../http/testing/event-batch.ts";
import { toRows } from "./event-rows.ts";

const JSONB = { useJsonColumn: true };

test("what is cut out of an event of the recorder is what parsing it gives", async (t) => {
  const dataDir = temporaryDirectory(t);
  const recorder = await Recorder.open({ dataDir });
  const place = newPlace({ runId: "run_1" });
  const { started, completed } = execOf(place, 'print("\\u0000 {} \0 ä 😀 \ud83d")\n"data":{');
  for (const input of [created(newPlace()), started, completed]) await recorder.emit(input);
  await recorder.close();

  const log = await DurableLog.open({ dir: `${dataDir}/log` });
  const items = await readAll(log);
  await log.close();
  const events = items.map(
    (item, index) => new LogEvent(index + 1, "payload" in item ? item.payload : Buffer.of()),
  );
  assert.equal(events.length, 3);
  assertCutAsParsed(events);
  // A read of the head alone: the parser was not needed.
  const broken = events.map(({ position, payload }) => {
    const text = payload.toString("utf8").slice(0, -2);
    return new LogEvent(position, Buffer.from(`${text}!}}`));
  });
  assert.deepEqual(toRows(broken, JSONB).rejected, []);
});

test("an envelope with escapes, other letters, missing fields or another order is read as well", () => {
  const odd = [
    testEvent(1, { orgId: 'a "quoted" \\ name' }),
    testEvent(2, { orgId: "größe 😀" }),
    testEvent(3, { orgId: "x".repeat(5000) }),
    testEvent(4, { orgId: "a\0b" }),
    Object.fromEntries(Object.entries(testEvent(5)).reverse()) as unknown as RuntimeEvent,
    { ...testEvent(6), runId: undefined } as unknown as RuntimeEvent,
    { ...testEvent(7), data: undefined } as unknown as RuntimeEvent,
  ];
  assertCutAsParsed(testBatch(odd).events);
});

test("an event that carries something behind its data is read right when it comes alone", () => {
  const event = { ...testEvent(1), later: { added: true } };
  const [alone] = testBatch([event]).events;
  const { parameters } = toRows([alone!], JSONB);
  assert.ok(parameters.at(-1)?.includes(JSON.stringify(event.data)));
  assert.ok(!parameters.at(-1)?.includes("later"));
});

test("what is no event is rejected by its place, and the rest is kept", () => {
  const good = JSON.stringify(testEvent(1));
  const rows = toRows(rawBatch([good, "nonsense", "null", '{"a":1}', good]).events, JSONB);
  assert.equal(rows.count, 2);
  assert.deepEqual(rows.rejected, [
    { index: 1, reason: "it is no event" },
    { index: 2, reason: "it is no event" },
    { index: 3, reason: "it is no event" },
  ]);
});

test("every type of event goes through", () => {
  const events = testBatch(
    EVENT_TYPES.map((type, index) => testEvent(index + 1, { type } as Partial<RuntimeEvent>)),
  );
  assert.equal(toRows(events.events, JSONB).count, EVENT_TYPES.length);
  assertCutAsParsed(events.events);
});

/** Together they are cut, each alone is parsed. */
function assertCutAsParsed(events: readonly LogEvent[]): void {
  for (const options of [JSONB, { useJsonColumn: false }]) {
    const together = toRows(events, options).parameters;
    const alone = events.map((event) => toRows([event], options).parameters);
    for (const [column, parameter] of together.entries()) {
      const expected = alone.map((parameters) => parameters[column]!.subarray(20));
      assert.deepEqual(parameter.subarray(20), Buffer.concat(expected), `column ${column}`);
    }
  }
}
