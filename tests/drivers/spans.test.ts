import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "@sandglass/testkit";
import { LoggingDaemon } from "../telemetry/logging-daemon.ts";
import { spansAt, traceTree } from "../telemetry/span-tree.ts";

/** Sends a span as an SDK does, below the exec that it runs in. With a time limit, for gVisor of 2022 (docs/drivers.md). */
const SEND = `
import json, os, urllib.request as r
_, trace, parent, _ = os.environ["TRACEPARENT"].split("-")
span = {"traceId": trace, "spanId": os.urandom(8).hex(), "parentSpanId": parent, "name": "inside", "kind": 1,
        "startTimeUnixNano": "1760000000000000000", "endTimeUnixNano": "1760000001000000000"}
body = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "by hand"}, "spans": [span]}]}]}
request = r.Request("http://127.0.0.1:4318/v1/traces", json.dumps(body).encode(), {"content-type": "application/json"})
print(r.urlopen(request, timeout=30).status)`;

describe("a span sent from inside is below its exec, as the sandbox's", () => {
  let world: LoggingDaemon;
  before(async () => {
    world = await LoggingDaemon.start();
  });
  after(() => world?.[Symbol.asyncDispose]());

  for (const isolation of ["bubblewrap", "crun", "gvisor"] as const) {
    test(`behind ${isolation}`, async () => {
      await using sandbox = await world.client.sandboxes.create({ template: "python", isolation });
      const { stdout, stderr, traceId, execId } = await sandbox.commands.run(["python3", "-c", SEND]);
      assert.equal(stdout, "200\n", stderr);
      const spans = await until("the span and its exec have arrived", async () => {
        await world.delivered();
        const ofTrace = spansAt(world.sink).filter((span) => span.traceId === traceId);
        const names = ofTrace.map(({ name }) => name);
        return ["inside", "sandbox.execute"].every((name) => names.includes(name)) && ofTrace;
      });
      const inside = spans.find(({ name }) => name === "inside");
      const exec = spans.find(({ spanId }) => spanId === inside?.parentSpanId);
      assert.equal(
        exec?.attributes["sandglass.exec.id"]?.stringValue,
        execId,
        traceTree(spans, traceId).join("\n"),
      );
      assert.equal(inside?.resource["sandglass.sandbox.id"]?.stringValue, sandbox.id);
    });
  }
});
