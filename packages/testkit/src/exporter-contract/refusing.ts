import assert from "node:assert/strict";
import { type ContractCase, faultOf, inWorld } from "./contract-case.ts";
import { eventThatHolds, mixedLives, newContractPlace } from "./contract-events.ts";
import type { ContractWorld } from "./contract-world.ts";
import { expectArrival } from "./expect-arrival.ts";
import type { ExporterUnderTest, RefusalFault } from "./subject.ts";

const MARKER = "poison-4711";

export const poisonCase: ContractCase = {
  name: "only the event that the destination refuses goes to the dead-letter file, with the reason; all others arrive",
  run: (subject) =>
    inWorld(subject, async (world, harness) => {
      const fault = await faultOf(harness, "poison")(MARKER);
      const { poison, letters } = await sendWithPoison(world, subject, fault);
      assert.deepEqual(letters, [poison]);
    }),
};

export const partialSuccessCase: ContractCase = {
  name: "an answer that takes all but one event loses that one alone, and keeps it in the dead-letter file",
  run: (subject) =>
    inWorld(subject, async (world, harness) => {
      const fault = await faultOf(harness, "partialSuccess")(MARKER);
      const { poison, letters } = await sendWithPoison(world, subject, fault);
      // Where the destination says only how many, all that it could mean are kept.
      assert.ok(letters.includes(poison));
    }),
};

async function sendWithPoison(
  world: ContractWorld,
  subject: ExporterUnderTest,
  fault: RefusalFault,
): Promise<{ poison: string; letters: string[] }> {
  const places = [newContractPlace(), newContractPlace()];
  const events = mixedLives(places, 5);
  events.splice(31, 0, eventThatHolds(places[0]!, MARKER));
  await world.emit(events);
  const flushed = await world.flushAll();
  const { counts, lastError, failedAttempts, state } = world.info;
  const poison = (await world.record()).find((event) => JSON.stringify(event).includes(MARKER))!;
  assert.deepEqual(counts.dropped, { rejected: 1 }, lastError?.message);
  assert.equal(flushed.dropped, 1);
  assert.equal(counts.delivered + counts.filtered, events.length - 1);
  assert.match(lastError?.message ?? "", fault.says);
  assert.equal(state, "running");
  assert.equal(failedAttempts, 0, "what it refuses is no failure of the destination");
  const letters = await world.deadLetters();
  for (const { reason } of letters) assert.match(reason, fault.says);
  assert.deepEqual(letters.find(({ event }) => event.id === poison.id)?.event, poison);
  await expectArrival(world, subject, { except: ({ id }) => id === poison.id });
  await fault.end();
  // It stays given up.
  await world.emit(mixedLives(places, 1));
  await world.flushAll();
  await expectArrival(world, subject, { except: ({ id }) => id === poison.id });
  return { poison: poison.id, letters: letters.map(({ event }) => event.id) };
}
