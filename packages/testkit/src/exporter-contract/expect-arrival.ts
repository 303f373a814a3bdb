import assert from "node:assert/strict";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { ContractWorld } from "./contract-world.ts";
import type { ExporterUnderTest, ReceivedEvent } from "./subject.ts";

export interface Arrival {
  /** Events that must not have come; default none. */
  except?: (event: RuntimeEvent) => boolean;
  /** Something went wrong on the way: unless the exporter promises more, an event may be there twice. Default false. */
  mayRepeat?: boolean;
}

/**
 * Flushes; then the destination has exactly what the record has, in the order that was promised, each event as it was recorded.
 * What an exporter says of its own health may come while it is looked at.
 */
export async function expectArrival(
  world: ContractWorld,
  { guarantees }: ExporterUnderTest,
  { except = () => false, mayRepeat = false }: Arrival = {},
): Promise<void> {
  const { harness } = world;
  const isWanted = (event: RuntimeEvent): boolean => (harness.wants?.(event) ?? true) && !except(event);
  const before = (await world.record()).filter(isWanted);
  await world.flushAll();
  const copies = Map.groupBy(await harness.received(), ({ id }) => id);
  const after = (await world.record()).filter(isWanted);

  const lost = before.filter(({ id }) => !copies.has(id));
  assert.deepEqual(lost.map(nameOf), [], `${lost.length} of ${before.length} events were lost`);
  const known = new Set(after.map(({ id }) => id));
  const strangers = [...copies.values()].map(([first]) => first!).filter(({ id }) => !known.has(id));
  assert.deepEqual(strangers.map(nameOf), [], "the destination has what it must not have");
  const there = after.filter(({ id }) => copies.has(id));
  if (guarantees.exactlyOnce || !mayRepeat) {
    const repeated = there.filter(({ id }) => copies.get(id)!.length > 1);
    assert.deepEqual(repeated.map(nameOf), [], `${repeated.length} events are there more than once`);
  }
  expectOrder(there, copies, guarantees.order);
  for (const event of there) {
    for (const copy of copies.get(event.id)!) {
      const { id, sandboxId, seq } = copy;
      assert.deepEqual({ id, sandboxId, seq }, { id: event.id, sandboxId: event.sandboxId, seq: event.seq });
      if (copy.event !== undefined) assert.deepEqual(copy.event, event);
    }
  }
}

/** Of events that came more than once, the first time counts. */
function expectOrder(
  wanted: readonly RuntimeEvent[],
  copies: ReadonlyMap<string, readonly ReceivedEvent[]>,
  order: ExporterUnderTest["guarantees"]["order"],
): void {
  if (order === "none") return;
  const laneOf = (event: { sandboxId: string }): string => (order === "total" ? "" : event.sandboxId);
  const firsts = [...copies.values()].map(([first]) => first!);
  const arrived = Map.groupBy(firsts, laneOf);
  for (const [lane, events] of Map.groupBy(wanted, laneOf)) {
    const ids = arrived.get(lane)?.map(({ id }) => id);
    const expected = events.map(({ id }) => id);
    assert.deepEqual(ids, expected, `events of "${lane}" came out of order`);
  }
}

function nameOf({ id, sandboxId, seq }: { id: string; sandboxId: string; seq: number }): string {
  return `${id} (${sandboxId} ${seq})`;
}
