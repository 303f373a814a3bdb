import assert from "node:assert/strict";
import { type ContractCase, faultOf, inWorld } from "./contract-case.ts";
import { contractEvent, mixedLives, newContractPlace } from "./contract-events.ts";
import { expectArrival } from "./expect-arrival.ts";
import { TRANSIENT_FAULTS, type TransientFault, type TransientFaultName } from "./subject.ts";

/** What an attempt may take where the destination is slow for ever. */
const TIMEOUT_MS = 250;

/** How an exporter meets a fault that passes. */
export function survivingCase(name: TransientFaultName): ContractCase {
  const { what, says, isSlow = false }: TransientFault = TRANSIENT_FAULTS[name];
  return {
    name: `nothing is lost to a destination that ${what} (${name})`,
    run: (subject) =>
      inWorld(subject, async (world, harness) => {
        const begin = faultOf(harness, name);
        const goodConfig = harness.config();
        const places = [newContractPlace(), newContractPlace(), newContractPlace()];
        await world.emit(mixedLives(places, 2));
        await world.flushAll();
        if (isSlow) await world.reconfigure({ config: { ...goodConfig, timeoutMs: TIMEOUT_MS } });
        const before = world.info.counts;

        const fault = await begin();
        if (fault.config !== undefined) await world.reconfigure({ config: fault.config });
        const events = mixedLives(places, 4);
        await world.emit(events);
        const stalled = await world.untilInfo(
          "is stalled",
          ({ state, counts: { queued, inFlight } }) => state === "stalled" || queued + inFlight === 0,
        );
        assert.equal(stalled.state, "stalled", "what never arrived is counted as dealt with");
        const { counts, lastError, failedAttempts, stalledSince } = stalled;
        assert.match(lastError?.message ?? "", fault.says ?? says);
        assert.ok(failedAttempts > 0 && Date.parse(stalledSince ?? "") <= Date.now());
        assert.ok(stalled.lagMs >= 0);
        assert.equal(counts.delivered, before.delivered);
        assert.deepEqual(counts.dropped, {});
        assert.ok(counts.queued + counts.inFlight > 0);
        const said = await world.next("exporter.stalled");
        const { reason } = said.data as { reason: string };
        assert.match(reason, fault.says ?? says);

        // What comes meanwhile waits too.
        await world.emit(mixedLives(places, 1));
        await fault.end();
        // One that was set right by a new configuration is a new exporter, which never stalled.
        if (fault.config !== undefined) await world.reconfigure({ config: goodConfig });
        await world.flushAll();
        if (fault.config === undefined) {
          const recovered = await world.next("exporter.recovered");
          assert.equal(recovered.traceId, said.traceId, "the end of a stall belongs to its beginning");
        }
        assert.equal(world.info.state, "running");
        assert.equal(world.info.stalledSince, undefined);
        assert.deepEqual(world.info.counts.dropped, {});
        await expectArrival(world, subject, { mayRepeat: true });
      }),
  };
}

export const retryAfterCase: ContractCase = {
  name: "a time that the destination named is waited for, also when someone flushes",
  run: (subject) =>
    inWorld(subject, async (world, harness) => {
      const fault = await faultOf(harness, "retryAfter")();
      const place = newContractPlace();
      // One event is one batch, so that nothing else was under way when the time was named.
      await world.emit([contractEvent(place, "agent.tool_call", { toolName: "a", toolCallId: "b" })]);
      await world.untilInfo("was told to wait", ({ failedAttempts }) => failedAttempts > 0);
      const answeredAt = fault.answeredAt();
      assert.ok(answeredAt !== undefined, "the destination did not say so");
      const known = fault.attempts().length;
      await world.emit(mixedLives([place], 2));
      const { pending } = await world.delivery.flush({ timeoutMs: 50 });
      assert.ok(pending > 0);
      await fault.end();
      await world.flushAll();
      const later = fault.attempts().slice(known);
      assert.ok(later.length > 0);
      // A timer may be up to a millisecond early, and so may the clock of the header.
      const tooEarly = later.filter((at) => at < answeredAt + fault.afterMs - 5);
      assert.deepEqual(tooEarly, [], `asked before the ${fault.afterMs} ms were over`);
      await expectArrival(world, subject, { mayRepeat: true });
    }),
};
