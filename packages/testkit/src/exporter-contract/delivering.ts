import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ContractCase } from "./contract-case.ts";
import { inWorld } from "./contract-case.ts";
import { hostileEvents, mixedLives, newContractPlace } from "./contract-events.ts";
import { EXPORTER_ID } from "./contract-world.ts";
import { expectArrival } from "./expect-arrival.ts";

/** What is asked of an exporter while all is well. */
export const deliveringCases: readonly ContractCase[] = [
  {
    name: "everything arrives once, whatever is in it, under its own id and in the promised order",
    run: (subject) =>
      inWorld(subject, async (world, { maxEventBytes = Number.POSITIVE_INFINITY }) => {
        const places = Array.from({ length: 8 }, newContractPlace);
        const events = [...mixedLives(places, 3), ...hostileEvents(places[0]!, maxEventBytes)];
        await world.emit(events);
        const { dropped } = await world.flushAll();
        const { counts, state, lagMs, lastError, filterErrors } = world.info;
        assert.deepEqual(
          { dropped, counted: counts.dropped },
          { dropped: 0, counted: {} },
          lastError?.message,
        );
        assert.equal(counts.delivered + counts.filtered, events.length);
        assert.deepEqual({ state, lagMs, filterErrors }, { state: "running", lagMs: 0, filterErrors: 0 });
        await expectArrival(world, subject);
      }),
  },
  {
    name: "events that keep coming while it sends all arrive, also those that fill no batch",
    run: (subject) =>
      inWorld(subject, async (world) => {
        const places = Array.from({ length: 5 }, newContractPlace);
        const events = mixedLives(places, 20);
        for (let at = 0, size = 1; at < events.length; at += size, size = (size * 7) % 31) {
          await world.emit(events.slice(at, at + size));
          await nextTurn();
        }
        // Nobody flushes: what waits for its batch to fill is sent when it has waited long enough.
        await world.untilInfo(
          "has nothing left to do",
          ({ counts }) => counts.queued + counts.inFlight === 0,
        );
        await expectArrival(world, subject);
      }),
  },
  {
    name: "removed and added again under its id, it continues where it was",
    run: (subject) =>
      inWorld(subject, async (world) => {
        const place = newContractPlace();
        await world.emit(mixedLives([place], 3));
        await world.flushAll();
        const before = world.info.counts.delivered;
        await world.remove();
        assert.equal(world.delivery.find(EXPORTER_ID), undefined);
        const missed = mixedLives([place], 3);
        await world.emit(missed);
        await world.add();
        await world.flushAll();
        const { delivered, filtered } = world.info.counts;
        assert.ok(delivered > before && delivered + filtered === 2 * missed.length);
        await expectArrival(world, subject);
      }),
  },
  {
    name: "after a restart it continues where it was, and its numbers with it",
    run: (subject) =>
      inWorld(subject, async (world) => {
        const place = newContractPlace();
        await world.emit(mixedLives([place], 3));
        const { pending } = await world.shutdown(10_000);
        assert.equal(pending, 0);
        await world.reopen();
        await world.emit(mixedLives([place], 3));
        await world.flushAll();
        await expectArrival(world, subject);
      }),
  },
  {
    name: "after a crash that came before its cursor was written, nothing is missing, and the ids are the same",
    run: (subject) =>
      inWorld(subject, async (world) => {
        const place = newContractPlace();
        await world.emit(mixedLives([place], 4));
        await world.shutdown(10_000);
        const takeBack = await world.rememberCursors();
        await world.reopen();
        await world.emit(mixedLives([place], 4));
        await world.flushAll();
        await world.shutdown(10_000);
        await takeBack();
        await world.reopen();
        await world.emit(mixedLives([place], 1));
        await world.flushAll();
        await expectArrival(world, subject, { mayRepeat: true });
      }),
  },
];
