import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { seeded } from "@sandglass/testkit";
import { isLong } from "../long.ts";
import { type Destination, whileFlapping } from "./chaos/destination.ts";
import { DoomedDaemon } from "./chaos/doomed-daemon.ts";
import { expectAcknowledged, expectAll } from "./chaos/expectations.ts";
import { ExporterWatch } from "./chaos/exporter-watch.ts";
import { axiomDestination, webhookDestination } from "./chaos/http-destinations.ts";
import { jsonlDestination } from "./chaos/jsonl-destination.ts";
import { otelDestination } from "./chaos/otel-destination.ts";
import { postgresDestination } from "./chaos/postgres-destination.ts";
import { Sender } from "./chaos/sender.ts";

const SEED = 20_260_418;
/** Each in a test of its own: a slow machine has its time for every one. */
const KILLS = isLong ? 20 : 10;
const EVENTS = KILLS * 5_000;
const CATCH_UP_MS = 100_000;
const DESTINATIONS = {
  otel: otelDestination,
  axiom: axiomDestination,
  jsonl: jsonlDestination,
  postgres: postgresDestination,
  webhook: webhookDestination,
};
const names = Object.keys(DESTINATIONS) as (keyof typeof DESTINATIONS)[];

describe(`${EVENTS} events, destinations that flap, a daemon that is killed ${KILLS} times`, () => {
  const random = seeded(SEED);
  const stack = new AsyncDisposableStack();
  const destinations: Destination[] = [];
  let daemon: DoomedDaemon;
  let sender: Sender;
  let watch: ExporterWatch;
  /** What was there to deliver, what each destination has of it, and the record after that was counted. */
  let recorded: RuntimeEvent[];
  let arrived: ReadonlyMap<string, number>[];
  let later: RuntimeEvent[];

  before(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sandglass-chaos-data-"));
    stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    for (const name of names) destinations.push(stack.use(await DESTINATIONS[name]()));
    daemon = new DoomedDaemon(
      dataDir,
      destinations.map(({ exporter }) => exporter),
    );
    stack.use(daemon);
    sender = new Sender(daemon);
    watch = new ExporterWatch(daemon);
    stack.defer(() => watch.stop());
  });
  after(() => stack.disposeAsync());

  for (let kill = 1; kill <= KILLS; kill++) {
    test(`kill ${kill} of ${KILLS}: events are taken whenever there is a daemon`, async (t) => {
      const work = sender.outlive(EVENTS / KILLS, random);
      const flapping = destinations.map((each) => whileFlapping(each, seeded(random.int(2 ** 31)), work));
      const [, ...faults] = await Promise.all([work, ...flapping]);
      t.diagnostic(
        `${sender.acknowledged.size} events acknowledged, ${daemon.kills} kills, ` +
          `${faults.map((count, at) => `${count} faults of ${names[at]}`).join(", ")}; seed ${SEED}`,
      );
    });
  }

  test("what was acknowledged is in the record", async (t) => {
    assert.ok(daemon.kills === KILLS && sender.acknowledged.size >= EVENTS);
    recorded = await daemon.record();
    expectAcknowledged(recorded, sender.acknowledged);
    t.diagnostic(`${recorded.length} events in the record`);
  });

  test("once all is well again all is delivered, and the accounts added up at every look", async (t) => {
    const { pending } = await daemon.flush(CATCH_UP_MS);
    assert.equal(pending, 0, JSON.stringify(await daemon.exporters()));
    await watch.stop();
    assert.deepEqual(watch.broken, []);
    for (const { id, state, counts } of (await daemon.exporters()) ?? [])
      assert.deepEqual({ id, state, dropped: counts.dropped }, { id, state: "running", dropped: {} });
    t.diagnostic(`${watch.samples} looks at the accounts of an exporter`);
    arrived = await Promise.all(destinations.map((each) => each.copies()));
    later = await daemon.record();
  });

  for (const [at, name] of names.entries()) {
    test(`${name} has every event that its filter wants, and no others`, () => {
      expectAll(destinations[at]!, arrived[at]!, recorded, later);
    });
  }
});
