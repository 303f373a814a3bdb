import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { AxiomSink, WebhookSink } from "@sandglass/testkit";
import type { LaggingOptions, LaggingReport } from "./lagging-process.ts";

const EVENTS = 200_000;
const MOST_HELD = 10_000;
const MOST_BYTES = 50 * 1024 * 1024;

test(`destinations that are dead for ${EVENTS.toLocaleString("en")} events cost disk and hardly memory, and get every event in the end`, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-memory-"));
  await using all = await AxiomSink.start();
  await using rare = await WebhookSink.start();
  await all.server.down();
  await rare.server.down();

  const options: LaggingOptions = {
    dataDir,
    events: EVENTS,
    mostHeld: MOST_HELD,
    exporters: [
      {
        provider: "axiom",
        config: { url: all.url, token: all.token, batchSize: 1000, maxQueueSize: MOST_HELD },
      },
      {
        provider: "webhook",
        config: { url: rare.url, secret: rare.secret, maxQueueSize: MOST_HELD },
        filter: { where: 'data.toolName == "rare"' },
      },
    ],
  };
  const script = join(import.meta.dirname, "lagging-process.ts");
  const flags = ["--expose-gc", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<LaggingReport> => {
    const { value, done } = await lines.next();
    assert.ok(!done, "the process ended early");
    return JSON.parse(value);
  };

  const idle = await next();
  const dead = await next();
  const growth = dead.heldBytes - idle.heldBytes;
  t.diagnostic(`${(growth / 1024 / 1024).toFixed(1)} MiB above idle with ${EVENTS} events waiting`);
  assert.ok(growth < MOST_BYTES, `${growth} bytes more are held`);
  for (const counts of Object.values(dead.counts)) assert.equal(counts.delivered, 0);

  await all.server.up();
  await rare.server.up();
  child.stdin.write("go\n");
  const { counts } = await next();
  const { axiom, webhook } = counts;
  // The two stalls and their ends are events too.
  assert.ok(axiom !== undefined && axiom.delivered >= EVENTS);
  assert.deepEqual([axiom.queued, axiom.inFlight, axiom.dropped], [0, 0, {}]);
  assert.equal(all.events.size, axiom.delivered);
  assert.ok(webhook !== undefined && webhook.delivered > 0);
  assert.equal(rare.copies.size, webhook.delivered);
  assert.equal(webhook.filtered, webhook.accepted - webhook.delivered);
  assert.deepEqual(await exited, [0, null]);
});
