import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import { type ArrivedSpan, spansAt, traceTree } from "./span-tree.ts";

describe("at the endpoint of a sandbox's owner", () => {
  const disposables = new AsyncDisposableStack();
  let sink: OtlpSink;
  let daemon: TestDaemon;
  let client: Client;
  before(async () => {
    sink = disposables.use(await OtlpSink.start());
    daemon = disposables.use(await startDaemon({ args: ["--pool", "bash=0,python=0"] }));
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey, sdkOtelEnabled: false });
    disposables.defer(() => client.close());
  });
  after(() => disposables.disposeAsync());

  test("an agent's run is one tree without an orphan, also where its sandboxes were gone before it ended", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
    await client.run({ name: "analyst" }, async (run) => {
      await run.tool("shell", {}, async () => {
        await using sandbox = await client.sandboxes.create({ template: "bash", env, instrument: true });
        await sandbox.commands.run("ls / | wc -l");
      });
      await until("what the sandbox had to say is there, and what the tool does is not over", () =>
        spansAt(sink).some(({ name }) => name === "sandbox.terminate"),
      );
    });
    await until("the run's span is there", () => spansAt(sink).some(isOfRun));
    const spans = spansAt(sink);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== "" && !ids.has(parentSpanId));
    assert.deepEqual(orphans, []);
    assert.equal(ids.size, spans.length);
    const tree = traceTree(spans, spans[0]!.traceId);
    assert.deepEqual(tree.slice(0, 3), ["http_request", "  invoke_agent analyst", "    agent.tool_call"]);
    for (const name of ["sandbox.create", "sandbox.execute", "sandbox.terminate"])
      assert.ok(tree.includes(`        ${name}`), tree.join("\n"));
    // They are about no sandbox.
    for (const { resource } of spans.filter(isOfRun)) {
      assert.equal(resource["sandglass.sandbox.id"], undefined);
      assert.equal(resource["sandglass.run.id"]?.stringValue?.startsWith("run_"), true);
    }
    await until("the endpoint is forgotten", async () => {
      const kept = await readdir(join(daemon.dataDir, "otel-destinations"));
      return !kept.some((name) => name.endsWith(".json"));
    });
  });
});

function isOfRun({ name }: ArrivedSpan): boolean {
  return name.startsWith("invoke_agent");
}
