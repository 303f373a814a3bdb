import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "@sandglass/testkit";
import { OtlpSink } from "../../exporters/otel/testing/otlp-sink.ts";
import { seededRandom, temporaryDirectory } from "../../log/testing/test-log.ts";
import { ForwardWorld } from "./testing/forward-world.ts";
import { allNames } from "./testing/received-spans.ts";

const collectingProcess = fileURLToPath(new URL("testing/collecting-process.ts", import.meta.url));
const ROUNDS = 20;

/** Lets the process run until it has printed `lines` names, kills it, and returns all whole lines. */
async function runAndKill(args: readonly string[], lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [collectingProcess, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
    if (output.split("\n").length > lines) child.kill("SIGKILL");
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
  return output.slice(0, output.lastIndexOf("\n")).split("\n");
}

test("after twenty SIGKILLs everything acknowledged has arrived where it belongs, and the files are gone", async (t) => {
  const dataDir = temporaryDirectory(t);
  await using steady = await OtlpSink.start();
  await using moody = await OtlpSink.start();
  const random = seededRandom(41);
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // It is away in every third round, so that there is something to be caught up with.
    await (round % 3 === 1 ? moody.server.down() : moody.server.up());
    const args = [dataDir, steady.url, moody.url, String(round)];
    for (const name of await runAndKill(args, 1 + random(400))) acknowledged.push(name);
  }
  await moody.server.up();
  const world = await ForwardWorld.open(t, {}, dataDir);
  await world.store.endAll(world.log.lastPosition);
  const forwarder = world.start();
  assert.equal(await forwarder.flush(new AbortController().signal), true);

  const [steadyNames, moodyNames] = [allNames(steady.requests), allNames(moody.requests)];
  const arrived = new Set([...steadyNames, ...moodyNames]);
  const missing = acknowledged.filter((name) => !arrived.has(name));
  assert.deepEqual(missing, []);
  assert.ok(steadyNames.every((name) => name.startsWith("0 ")));
  assert.ok(moodyNames.every((name) => name.startsWith("1 ")));
  const { total, unseen } = forwarder.summary();
  assert.deepEqual([total.dropped, unseen], [{}, {}]);
  await until("nothing is owed to anybody", () => world.store.all().length === 0);
  await world.store.flush();
  const left = readdirSync(join(dataDir, "otel-destinations")).filter((name) => name !== "key");
  assert.deepEqual([left, existsSync(world.deadLetterPath)], [[], false]);
});
