import assert from "node:assert/strict";
import { type ContractCase, deadDestination, inWorld } from "./contract-case.ts";
import { mixedLives, newContractPlace } from "./contract-events.ts";
import { expectArrival } from "./expect-arrival.ts";

export const flushingCases: readonly ContractCase[] = [
  {
    name: "flush resolves when everything before it is there, and says how much that was",
    run: (subject) =>
      inWorld(subject, async (world) => {
        const places = [newContractPlace(), newContractPlace()];
        for (const rounds of [1, 4]) {
          const events = mixedLives(places, rounds);
          const before = world.info.counts;
          await world.emit(events);
          const result = await world.flushAll();
          const { delivered, filtered } = world.info.counts;
          assert.equal(delivered + filtered, before.accepted + events.length);
          // Some may have gone between the commit and the question.
          assert.ok(result.delivered <= delivered - before.delivered);
          assert.equal(result.dropped, 0);
          await expectArrival(world, subject);
        }
        const nothingLeft = await world.flushAll();
        assert.deepEqual(nothingLeft, { delivered: 0, dropped: 0, pending: 0 });
      }),
  },
  {
    name: "flush and shutdown give up at their time where the destination is dead; the rest arrives after the next start",
    run: (subject) =>
      inWorld(subject, async (world, harness) => {
        const places = [newContractPlace(), newContractPlace()];
        const fault = await deadDestination(harness)();
        await world.emit(mixedLives(places, 4));
        const { queued, inFlight } = world.info.counts;
        const flushed = await world.delivery.flush({ timeoutMs: 100 });
        assert.equal(flushed.delivered, 0);
        assert.equal(flushed.dropped, 0);
        // What its filter does not want, and what only the exporter's stall added, may be among what was not read yet.
        assert.ok(flushed.pending > 0 && flushed.pending <= queued + inFlight + 1);
        const ended = await world.shutdown(200);
        assert.ok(ended.pending >= flushed.pending);
        assert.deepEqual({ ...ended, pending: 0 }, { delivered: 0, dropped: 0, pending: 0 });
        await fault.end();
        await world.reopen();
        await world.emit(mixedLives(places, 1));
        await world.flushAll();
        assert.deepEqual(world.info.counts.dropped, {});
        await expectArrival(world, subject, { mayRepeat: true });
      }),
  },
];
