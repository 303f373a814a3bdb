import assert from "node:assert/strict";
import { test } from "node:test";
import { LogEvent } from "../../delivery/log-event.ts";
import { eventTime } from "./event-time.ts";
import { testEvent } from "./testing/event-batch.ts";

const timeOf = (text: string) => eventTime(new LogEvent(1, Buffer.from(text)));

test("an event's time is read without parsing it where it is as the recorder writes it", () => {
  const event = testEvent(Number.MAX_SAFE_INTEGER / 1e6, { timestamp: "2026-04-18T14:00:00.123456Z" });
  const record = new LogEvent(1, Buffer.from(`${JSON.stringify(event)}and then no JSON`));
  assert.equal(eventTime(record), "2026-04-18T14:00:00.123456Z");
});

test("an event's time is found in any order of its fields, and is never that of a field within", () => {
  const inside = '"data":{"timestamp":"2001-01-01T00:00:00Z"}';
  assert.equal(
    timeOf(`{"type":"a.b","seq":1,${inside},"timestamp":"2026-01-01T00:00:00Z"}`),
    "2026-01-01T00:00:00Z",
  );
  assert.equal(
    timeOf(`{ "id":"evt_1","type":"a.b","seq":1,"timestamp":"2026-01-01T00:00:00Z"}`),
    "2026-01-01T00:00:00Z",
  );
});

test("a record that is no event has no time", () => {
  for (const text of ["", "{", "null", "[]", "no JSON", '{"id":"evt_1","seq":1}'])
    assert.equal(timeOf(text), undefined, text);
});
