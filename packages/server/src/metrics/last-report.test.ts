import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyServer, startDaemon } from "@sandglass/testkit";

test("a daemon that stops reports its own metrics a last time, also where it had a status page", async () => {
  const reports: string[] = [];
  await using sink = await FaultyServer.start(({ path, body }) => {
    const text = body.toString("utf8");
    if (path === "/v1/metrics" && text.includes("sandglass.pool.ready")) reports.push(text);
    return { status: 200, headers: { "content-type": "application/json" }, body: "{}" };
  });
  const config = { endpoint: sink.url, protocol: "http/json" };
  await using daemon = await startDaemon({
    args: ["--pool", "python=0"],
    env: {
      SANDGLASS_OBSERVABILITY: JSON.stringify({ provider: "otel", config }),
      SANDGLASS_STATUS_ENABLED: "true",
      // A day: what comes is the last.
      SANDGLASS_METRICS_INTERVAL_MS: "86400000",
    },
  });
  assert.deepEqual(reports, []);
  await daemon.stop();
  assert.equal(reports.length, 1, daemon.logs().slice(-2000));
  assert.doesNotMatch(daemon.logs(), /metrics were not taken/);
});
