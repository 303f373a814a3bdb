import assert from "node:assert/strict";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { Destination } from "./destination.ts";
import { markOf } from "./run-events.ts";

/** What was acknowledged is in the record, once. What was not may be there, as a whole or in part. */
export function expectAcknowledged(
  recorded: readonly RuntimeEvent[],
  acknowledged: ReadonlySet<string>,
): void {
  const marks = recorded.flatMap((event) => markOf(event) ?? []);
  const known = new Set(marks);
  assert.equal(known.size, marks.length, "the record has an event twice");
  assert.equal(new Set(recorded.map(({ id }) => id)).size, recorded.length, "two events share an id");
  const lost = [...acknowledged].filter((mark) => !known.has(mark));
  assert.deepEqual(lost, [], `${lost.length} acknowledged events are not in the record`);
}

/**
 * A destination has every event of the record that its filter wants, and nothing else.
 *
 * @param arrived how often it has each event, by id
 * @param recorded what was flushed
 * @param later the record when that was counted, or after: what the destination has besides must be in there
 */
export function expectAll(
  { exporter, wants, exactlyOnce }: Destination,
  arrived: ReadonlyMap<string, number>,
  recorded: readonly RuntimeEvent[],
  later: readonly RuntimeEvent[],
): void {
  const { id: name } = exporter;
  const lost = recorded.filter((event) => wants(event) && !arrived.has(event.id));
  assert.deepEqual(lost.slice(0, 5), [], `${name}: ${lost.length} events are not there`);
  const wanted = new Set(later.filter(wants).map(({ id }) => id));
  const strange = [...arrived.keys()].filter((id) => !wanted.has(id));
  assert.deepEqual(strange.slice(0, 5), [], `${name}: ${strange.length} ids are no events that it wants`);
  if (!exactlyOnce) return;
  const repeated = [...arrived].filter(([, count]) => count !== 1);
  assert.deepEqual(repeated.slice(0, 5), [], `${name}: ${repeated.length} events are there more than once`);
}
