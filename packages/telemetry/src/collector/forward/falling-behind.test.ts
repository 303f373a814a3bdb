import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FaultyServer, until } from "@sandglass/testkit";
import { OtlpSink } from "../../exporters/otel/testing/otlp-sink.ts";
import { onEnd } from "../../log/testing/test-log.ts";
import { decodeByOracle } from "../../otlp/testing/oracle.ts";
import { ForwardWorld } from "./testing/forward-world.ts";
import { allNames, numbered } from "./testing/received-spans.ts";

const NEVER = new AbortController().signal;
const KIB = 1024;

describe("a destination that does not keep up", () => {
  test("is caught up with in order and nothing twice, and then fed with the others again", async (t) => {
    const world = await ForwardWorld.open(t, {
      laneBytes: 16 * KIB,
      shareBytes: 2 * KIB,
      batchBytes: 4 * KIB,
    });
    await using sink = await OtlpSink.start();
    sink.server.fault = (request) => (request < 10 ? { delayMs: 20 } : undefined);
    const id = await world.destination(sink.url);
    const forwarder = world.start();
    for (let i = 0; i < 1000; i++) await world.spans(id, [`s ${i}`, "x".repeat(200)]);
    assert.equal(await forwarder.flush(NEVER), true);
    for (let i = 1000; i < 1010; i++) await world.spans(id, [`s ${i}`]);
    assert.equal(await forwarder.flush(NEVER), true);
    assert.deepEqual(
      allNames(sink.requests).filter((name) => name.startsWith("s ")),
      numbered("s", 1010),
    );
    assert.deepEqual(forwarder.summary().total.dropped, {});
    assert.ok(forwarder.summary().peakHeldBytes <= 24 * KIB, `${forwarder.summary().peakHeldBytes}`);
  });

  test("that is gone or hangs holds neither the fifty others nor memory, and gets all of it when it is back", async (t) => {
    const limits = { totalBytes: 512 * KIB, laneBytes: 64 * KIB, shareBytes: 4 * KIB };
    const world = await ForwardWorld.open(t, limits);
    await using gone = await OtlpSink.start();
    await using hanging = await OtlpSink.start();
    const liveNames: string[] = [];
    await using live = await FaultyServer.start(({ body }) => {
      liveNames.push(...allNames([{ data: decodeByOracle("traces", body) }]));
      return { status: 200 };
    });
    await gone.server.down();
    hanging.server.fault = { hang: true };
    const goneId = await world.destination(gone.url, "sbx_gone");
    const hangingId = await world.destination(hanging.url, "sbx_hang", { OTEL_EXPORTER_OTLP_TIMEOUT: "100" });
    const ids: string[] = [];
    for (let i = 0; i < 50; i++) ids.push(await world.destination(`${live.url}/${i}`, `sbx_${i}`));
    const forwarder = world.start();
    const padding = "x".repeat(2000);
    for (let round = 0; round < 10; round++) {
      for (const [index, id] of ids.entries()) await world.spans(id, [`live ${index} ${round}`]);
      for (let i = 0; i < 30; i++) {
        await world.spans(goneId, [`gone ${30 * round + i}`, padding]);
        await world.spans(hangingId, [`hang ${30 * round + i}`, padding]);
      }
    }
    await until("the live ones have all", () => delivered(forwarder, ids) === 500);
    assert.equal(new Set(liveNames).size, 500);
    const before = forwarder.summary();
    assert.ok(before.peakHeldBytes <= limits.totalBytes + 52 * limits.shareBytes, `${before.peakHeldBytes}`);
    await until("they are known to be stalled", () => stalled(forwarder).length === 2);
    assert.equal(before.total.dropped.rejected, undefined);
    await gone.server.up();
    hanging.server.fault = undefined;
    assert.equal(await forwarder.flush(NEVER), true);
    const only = (names: string[], what: string) => names.filter((name) => name.startsWith(what));
    assert.deepEqual(only(allNames(gone.requests), "gone"), numbered("gone", 300));
    // An attempt whose time ran out may have been taken after all, on a busy machine.
    assert.deepEqual([...new Set(only(allNames(hanging.requests), "hang"))], numbered("hang", 300));
    assert.deepEqual(stalled(forwarder), []);
  });

  test("goes on where it was after a restart, with what it was owed counted anew", async (t) => {
    const world = await ForwardWorld.open(t);
    await using gone = await OtlpSink.start();
    await using live = await OtlpSink.start();
    await gone.server.down();
    const [goneId, liveId] = [await world.destination(gone.url, "a"), await world.destination(live.url, "b")];
    const forwarder = world.start();
    for (let i = 0; i < 20; i++) {
      await world.spans(goneId, [`gone ${i}`]);
      await world.spans(liveId, [`live ${i}`]);
    }
    await until("the live one has all", () => allNames(live.requests).length === 20);
    await until("the other failed", () => stalled(forwarder).length === 1);
    await world.close();

    const again = await ForwardWorld.open(t, {}, world.dataDir);
    await again.store.endAll(again.log.lastPosition);
    const restarted = again.start();
    const [info] = restarted.summary().destinations;
    assert.deepEqual([info?.id, info?.counts.accepted.requests, info?.counts.queued.items], [goneId, 20, 20]);
    await gone.server.up();
    assert.equal(await restarted.flush(NEVER), true);
    assert.deepEqual(allNames(gone.requests), numbered("gone", 20));
    assert.equal(allNames(live.requests).length, 20);
    await until("nothing is owed to anybody", () => again.store.all().length === 0);
  });

  test("has what the size limit of the log took from it counted as lost", async (t) => {
    const retention = { maxBytes: 256 * KIB };
    const world = await ForwardWorld.open(t, { logOptions: { retention, segmentBytes: 32 * KIB } });
    await using sink = await OtlpSink.start();
    await sink.server.down();
    const id = await world.destination(sink.url);
    const forwarder = world.start();
    const padding = "x".repeat(4000);
    for (let i = 0; i < 200; i++) {
      await world.spans(id, [`s ${i}`, padding]);
      await until("it was read", () => forwarder.summary().total.accepted.requests === i + 1);
    }
    await sink.server.up();
    assert.equal(await forwarder.flush(NEVER), true);
    const { total } = forwarder.summary();
    const lost = total.dropped.retention!;
    assert.ok(lost.requests > 100 && lost.items === 2 * lost.requests, JSON.stringify(total));
    assert.equal(total.delivered.requests + lost.requests, 200);
    const names = allNames(sink.requests).filter((name) => name.startsWith("s "));
    assert.deepEqual(names, numbered("s", 200 - lost.requests, lost.requests));
  });
});

describe("a destination that never takes anything", () => {
  test("is given up some time after its last sandbox, not before, and its file goes", async (t) => {
    const world = await ForwardWorld.open(t, { maxAgeMs: 100 });
    await using sink = await OtlpSink.start();
    await sink.server.down();
    const id = await world.destination(sink.url);
    const file = join(world.dataDir, "otel-destinations", `${id}.json`);
    await world.spans(id, ["a", "b"]);
    const forwarder = world.start();
    const failed = (): number => forwarder.summary().destinations[0]?.failedAttempts ?? 0;
    await until("it failed for longer than that", () => failed() > 8);
    assert.ok(existsSync(file));
    await world.store.end("sbx_1", world.log.lastPosition);
    await until("it is given up", () => forwarder.summary().destinations.length === 0);
    await until("its file is gone", () => !existsSync(file));
    assert.deepEqual(forwarder.summary().total.dropped, { gave_up: { requests: 1, items: 2 } });
    assert.equal(forwarder.summary().heldBytes, 0);
    assert.equal(await forwarder.flush(NEVER), true);
  });

  test("leaves its secrets nowhere but in its own file", async (t) => {
    const world = await ForwardWorld.open(t);
    const secret = "tell-nobody-0815";
    const rude = createServer((request, response) => {
      // Says what it was told, in all the places where an error is looked for.
      const said = `${request.headers["x-key"]} ${request.url}`;
      response.writeHead(403, { "content-type": "text/plain", location: `/${secret}` }).end(said);
    });
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    onEnd(t, () => rude.close());
    const { port } = rude.address() as { port: number };
    const told: string[] = [];
    const id = await world.destination(`http://u:${secret}@127.0.0.1:${port}/x?key=${secret}`, "sbx_1", {
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${secret}`,
    });
    await world.spans(id, ["a"]);
    const forwarder = world.start();
    await until("it failed", () => forwarder.summary().destinations[0]?.lastError);
    told.push(JSON.stringify(forwarder.summary()), id, ...world.problems);
    await world.close();
    const cursors = join(world.dataDir, "telemetry", "cursors");
    for (const file of readdirSync(cursors)) told.push(readFileSync(join(cursors, file), "utf8"));
    const encoded = Buffer.from(secret).toString("base64");
    for (const text of told) assert.ok(!text.includes(secret) && !text.includes(encoded), text);
    assert.match(told[0]!, /403.*\[redacted\]/);
  });
});

type Running = ReturnType<ForwardWorld["start"]>;

function stalled(forwarder: Running): string[] {
  return forwarder.summary().destinations.flatMap(({ id, state }) => (state === "stalled" ? [id] : []));
}

function delivered(forwarder: Running, ids: readonly string[]): number {
  const known = forwarder.summary().destinations.filter(({ id }) => ids.includes(id));
  return known.reduce((sum, { counts }) => sum + counts.delivered.requests, 0);
}
