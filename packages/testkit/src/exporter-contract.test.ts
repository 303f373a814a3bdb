import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ExportResult } from "@sandglass/telemetry";
import { type PutOnShelf, SHELF_TOKEN, type Shelf, shelfSubject } from "./exporter-contract/shelf.ts";
import { contractCases, exporterContract } from "./exporter-contract.ts";

exporterContract(
  "that is as it should be",
  shelfSubject((shelf, batch) => shelf.put(batch)),
);

/** What an exporter does wrong, in which of the cases it shows, and what the suite says of it. */
const MISTAKES: readonly [what: string, where: RegExp, says: RegExp, put: PutOnShelf][] = [
  [
    "loses an event of a large batch",
    /everything arrives once/,
    /1 of \d+ events were lost|\d+ of \d+ events were lost/,
    (shelf, batch) => shelf.put({ ...batch, events: batch.events.slice(0, 19) }),
  ],
  [
    "sends a batch twice",
    /everything arrives once/,
    /are there more than once/,
    async (shelf, batch) => {
      await shelf.put(batch);
      return shelf.put(batch);
    },
  ],
  [
    "turns batches around",
    /everything arrives once/,
    /out of order/,
    (shelf, batch) => shelf.put({ ...batch, events: batch.events.toReversed() }),
  ],
  [
    "gives events other ids",
    /events that keep coming/,
    /were lost/,
    (shelf, batch) => withEvents(shelf, batch, (event) => ({ ...event, id: `${event.id}-1` })),
  ],
  [
    "changes what is in an event",
    /everything arrives once/,
    /stderrTail|Expected values/,
    (shelf, batch) => withEvents(shelf, batch, (event) => ({ ...event, data: {} })),
  ],
  [
    "says it is there when it is not",
    /\(unavailable\)/,
    /counted as dealt with/,
    async (shelf, batch) => ({ ...(await shelf.put(batch)), status: "ok" }) as ExportResult,
  ],
  [
    "hears of a time and does not pass it on",
    /a time that the destination named/,
    /before the 200 ms were over/,
    async (shelf, batch) => {
      const result = await shelf.put(batch);
      return result.status === "retry" ? { status: "retry", reason: result.reason } : result;
    },
  ],
  [
    "gives up a whole batch for one event",
    /only the event that the destination refuses/,
    /rejected/,
    async (shelf, batch) => {
      const result = await shelf.put(batch);
      if (result.status !== "fail") return result;
      return { status: "ok", rejected: batch.events.map((_, index) => ({ index, reason: result.reason })) };
    },
  ],
];

describe("the contract", () => {
  for (const [what, where, says, put] of MISTAKES) {
    test(`catches an exporter that ${what}`, { timeout: 60_000 }, async () => {
      const subject = shelfSubject(put);
      const [found, ...more] = contractCases(subject).filter(({ name }) => where.test(name));
      assert.ok(found !== undefined && more.length === 0);
      await assert.rejects(found.run(subject), says);
    });
  }

  test("catches an exporter that says a secret in its numbers or in an event", async () => {
    const subject = shelfSubject((shelf, batch) => shelf.put(batch));
    const leaking = {
      ...subject,
      async start() {
        const harness = await subject.start();
        const { definition } = harness;
        const prepare: typeof definition.prepare = (...given) => ({
          ...definition.prepare(...given),
          destination: `a shelf, token ${SHELF_TOKEN}`,
        });
        return { ...harness, definition: { ...definition, prepare } };
      },
    };
    const [first] = contractCases(leaking).filter(({ name }) => name.startsWith("flush resolves"));
    await assert.rejects(first!.run(leaking), /a secret was said/);
  });

  test("asks for every fault, and for a reason where there is none", async () => {
    const subject = shelfSubject((shelf, batch) => shelf.put(batch));
    const { tlsFailure: _, ...excused } = subject.excused;
    const [unexcused] = contractCases({ ...subject, excused });
    await assert.rejects(unexcused!.run({ ...subject, excused }), /tlsFailure is neither given nor excused/);
    const twice = { ...subject, excused: { ...subject.excused, hang: "it is never slow" } };
    await assert.rejects(contractCases(twice)[0]!.run(twice), /hang is given and excused/);
  });
});

function withEvents(
  shelf: Shelf,
  batch: Parameters<PutOnShelf>[1],
  change: (event: Shelf["events"][number]) => unknown,
): Promise<ExportResult> {
  const events = batch.events.map((each) => ({ ...each, event: change(each.event) }));
  return shelf.put({ ...batch, events } as unknown as typeof batch);
}
