import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, Sandbox, type TraceSpan } from "../index.ts";
import { OPERATION_NAMES } from "./operation-names.ts";
import { TelemetrySink } from "./testing/telemetry-sink.ts";

const run = promisify(execFile);
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon?.stop());

/** The daemon's spans right below one of the client's. */
const below = (spans: TraceSpan[], parent: ReadableSpan): string[] =>
  spans.filter(({ parentSpanId }) => parentSpanId === parent.spanContext().spanId).map(({ name }) => name);

test("each operation's span is the parent of the daemon's, from the caller's span to the process inside", async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  using sink = new TelemetrySink();
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const stdout = await trace.getTracer("test").startActiveSpan("outer", async (outer) => {
    await using sandbox = await client.createSandbox("bash");
    const result = await sandbox.commands.run('echo "$TRACEPARENT"');
    outer.end();
    return result.stdout;
  });
  context.disable();

  const outer = sink.span("outer").spanContext();
  const operations = ["sandboxes.create", "execs.run", "sandboxes.terminate"].map((name) =>
    sink.span(`sandglass.${name}`),
  );
  const { spans } = await client.traces.get(outer.traceId);
  for (const operation of operations) {
    assert.equal(operation.spanContext().traceId, outer.traceId);
    assert.equal(operation.parentSpanContext?.spanId, outer.spanId);
    assert.deepEqual(below(spans, operation), ["http_request"], operation.name);
  }
  const [, exec] = operations;
  const request = spans.find(({ parentSpanId }) => parentSpanId === exec?.spanContext().spanId);
  const inside = spans.find(({ parentSpanId }) => parentSpanId === request?.spanId);
  assert.equal(inside?.name, "sandbox.execute");
  assert.equal(stdout, `00-${outer.traceId}-${inside?.spanId}-01\n`);
});

test("a run's sandboxes hang below the run, and say so", async () => {
  using sink = new TelemetrySink();
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const { traceId, runId } = await client.run({ name: "analyst" }, async (agent) => {
    await using sandbox = await agent.sandboxes.create({ template: "bash" });
    await agent.tool("shell", {}, () => sandbox.commands.run(["true"]));
    return agent;
  });
  const exec = sink.span("sandglass.execs.run");
  const { spans } = await client.traces.get(traceId);
  assert.equal(exec.spanContext().traceId, traceId);
  assert.equal(exec.attributes["sandglass.run.id"], runId);
  assert.equal(sink.span("sandglass.runs.start").attributes["sandglass.run.id"], runId);
  const parent = spans.find(({ spanId }) => spanId === exec.parentSpanContext?.spanId);
  assert.equal(parent?.name, "agent.tool_call");
  assert.deepEqual(below(spans, exec), ["http_request"]);
});

test("the program's own spans, and sandboxes that it creates below them, are in the trace of the run that is open", async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  using sink = new TelemetrySink();
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const tracer = trace.getTracer("test");
  const run = await client.run({ name: "analyst" }, async (agent) => {
    await tracer.startActiveSpan("step", async (step) => {
      await using sandbox = await Sandbox.create({ template: "bash", client });
      await agent.tool("shell", {}, async () => {
        tracer.startSpan("in the tool").end();
        await sandbox.commands.run(["true"]);
      });
      step.end();
    });
    return agent;
  });
  const { sandboxes } = await client.runs.get(run.runId);
  const { spans } = await client.traces.get(run.traceId);
  context.disable();

  const step = sink.span("step");
  assert.equal(step.parentSpanContext?.spanId, run.traceparent.split("-")[2]);
  assert.equal(sink.span("sandglass.sandboxes.create").parentSpanContext?.spanId, step.spanContext().spanId);
  const tool = spans.find(({ name }) => name === "agent.tool_call");
  for (const name of ["in the tool", "sandglass.execs.run"]) {
    assert.equal(sink.span(name).parentSpanContext?.spanId, tool?.spanId, name);
    assert.equal(sink.span(name).spanContext().traceId, run.traceId, name);
  }
  assert.equal(sandboxes, 1);
});

test("a program that is instrumented from outside, HTTP included, prints one CLIENT span an operation", async () => {
  const root = join(import.meta.dirname, "../../../..");
  const page = await readFile(join(root, "docs/sdk-tracing.md"), "utf8");
  const told = [...page.matchAll(/^export (.+)$/gm)].flatMap(([, line = ""]) => line.split(" "));
  assert.ok(told.length >= 5, "the page says what to set");
  const env = {
    ...process.env,
    SANDGLASS_URL: daemon.url,
    SANDGLASS_API_KEY: daemon.apiKey,
    ...Object.fromEntries(told.map((each) => each.split("="))),
    // Would bring up the private provider, were there none registered.
    SANDGLASS_SDK_OTEL_ENABLED: "true",
    NO_COLOR: "1",
  };
  const args = [
    "--import",
    join(import.meta.dirname, "testing/register.ts"),
    join(root, "examples/traced.ts"),
  ];
  const { stdout } = await run("node", args, { env });
  assert.match(stdout, /^words: 4$/m);
  const names = [...stdout.matchAll(/^ {2}name: '(.+)',$/gm)].map(([, name]) => name);
  assert.deepEqual(names, [
    "sandglass.sandboxes.create",
    "sandglass.execs.run",
    "sandglass.sandboxes.terminate",
    "count words",
    "sandglass.traces.get",
  ]);
  const [shown = ""] = /^ {2}name: 'sandglass\.execs\.run',[\s\S]+?^ {2}links/m.exec(page) ?? [];
  const [real = ""] = /^ {2}name: 'sandglass\.execs\.run',[\s\S]+?^ {2}links/m.exec(stdout) ?? [];
  assert.deepEqual(attributesIn(shown), attributesIn(real), "the page shows what is printed");
  assert.match(stdout, /name: 'http\.client\.request\.duration',/, "the requests were instrumented too");
  assert.match(stdout, /name: 'sandglass\.client\.operation\.duration',\n\s+type: 'HISTOGRAM',/);
});

/** Names of attributes in a span as the console exporter prints it. */
function attributesIn(span: string): string[] {
  return [...span.matchAll(/^ {4}'(.+?)': /gm)].map(([, name = ""]) => name).toSorted();
}

test("the page about the client's spans names every operation, and no other", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../../docs/sdk-tracing.md"), "utf8");
  const rows = page.slice(page.indexOf("The span is `sandglass.`")).matchAll(/^\| [a-z ]+ \| (.+) \|$/gm);
  const named = [...rows].flatMap(
    ([, cell = ""]) => cell.replaceAll(/\(.*?\)/g, "").match(/[a-z_.]+/g) ?? [],
  );
  // What no method of the client calls.
  const { healthz: _, readyz: __, openapi: ___, metrics: ____, ...called } = OPERATION_NAMES;
  assert.deepEqual(named.toSorted(), [...Object.values(called), "files.exists"].toSorted());
});
