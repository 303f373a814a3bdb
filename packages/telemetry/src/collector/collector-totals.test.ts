import assert from "node:assert/strict";
import { test } from "node:test";
import { CollectorTotals, NOTHING_YET } from "./collector-totals.ts";
import type { CollectorSnapshot, RelayInfo } from "./messages.ts";
import { nothingSent } from "./sent-items.ts";

function relay(delivered: number, queued: number, failedAttempts: number): RelayInfo {
  const counts = { accepted: delivered + queued, delivered, filtered: 0, queued, inFlight: 0, dropped: {} };
  const items = nothingSent();
  items.sent.traces = delivered * 10;
  return { id: "otel", state: "running", counts, lagMs: 0, failedAttempts, items };
}

function snapshot(spans: number, more: Partial<CollectorSnapshot> = {}): CollectorSnapshot {
  const { http, grpc } = NOTHING_YET.received;
  return { ...NOTHING_YET, received: { http: { ...http, spans }, grpc }, cpuMs: spans, ...more };
}

test("what one process counted is added to what the one before did, and nothing goes down between them", () => {
  const totals = new CollectorTotals();
  const forwarding = { ...NOTHING_YET.forwarding, accepted: 10, delivered: 4, queued: 6 };
  const before = snapshot(100, { relays: [relay(50, 5, 3)], forwarding });
  totals.hear(before);
  totals.refused("in_flight");
  assert.equal(totals.snapshot().received.http.spans, 100);
  totals.began();
  const meanwhile = totals.snapshot();
  assert.deepEqual(
    [meanwhile.received.http.spans, meanwhile.forwarding.accepted, meanwhile.relays[0]?.counts.delivered],
    [100, 10, 50],
  );
  // It begins at a cursor that is a moment old, and counts again what was waiting.
  const waiting = { ...NOTHING_YET.forwarding, accepted: 6, queued: 6 };
  totals.hear(snapshot(7, { relays: [relay(48, 7, 1)], forwarding: waiting }));
  const after = totals.snapshot();
  assert.equal(after.received.http.spans, 107);
  assert.deepEqual(after.received.http.refused, { in_flight: 1 });
  assert.deepEqual([after.forwarding.accepted, after.forwarding.delivered], [10, 4]);
  const [known] = after.relays;
  assert.deepEqual([known?.counts.delivered, known?.counts.queued, known?.failedAttempts], [50, 5, 4]);
  // Items are counted since a process began, whatever its cursor says.
  assert.equal(known?.items.sent.traces, 500 + 480);
  totals.hear(
    snapshot(8, { relays: [relay(55, 0, 1)], forwarding: { ...waiting, delivered: 6, queued: 0 } }),
  );
  const later = totals.snapshot();
  assert.deepEqual(
    [later.relays[0]?.counts.delivered, later.forwarding.delivered, later.cpuMs],
    [55, 10, 108],
  );
});

test("a destination that was forgotten begins anew under the same name", () => {
  const totals = new CollectorTotals();
  totals.hear(snapshot(1, { relays: [relay(50, 0, 0)] }));
  totals.began();
  totals.forget("otel");
  totals.hear(snapshot(1, { relays: [relay(2, 0, 0)] }));
  assert.equal(totals.snapshot().relays[0]?.counts.delivered, 2);
});
