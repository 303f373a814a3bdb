import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callHttp, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type RunDetail, type RuntimeEvent, type TraceInfo } from "sandglass";
import { runCommand } from "../../packages/cli/src/cli-process.ts";

const NANOS = 1e9;
/** Fractions of a cent, of which no two add up to what a computer makes of them. */
const COSTS = [0.1, 0.2, 0.0123, 0.000_000_7];

/** Nano-dollars, as a whole number. */
const nanos = (costUsd: number): number => Math.round(costUsd * NANOS);

describe("a run with two agents, three sandboxes and one failure", () => {
  const disposables = new AsyncDisposableStack();
  let daemon: TestDaemon;
  let client: Client;
  let run: RunDetail;
  let events: RuntimeEvent[];
  let trace: TraceInfo;

  before(async () => {
    daemon = disposables.use(
      await startDaemon({
        args: [
          "--pool",
          "python=1",
          "--cost-rates-cpu-hour-usd",
          "3600",
          "--cost-rates-memory-gb-hour-usd",
          "36",
        ],
      }),
    );
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    disposables.defer(() => client.close());
    const runId = await client.run({ name: "quarterly report", agent: "analyst" }, async (opened) => {
      opened.thinking("who does what");
      opened.llm({ model: "large", inputTokens: 100, outputTokens: 10, costUsd: COSTS[0]! });
      const own = await opened.sandboxes.create({ template: "python" });
      await opened.agent({ name: "researcher" }, async (agent) => {
        agent.llm({ model: "small", inputTokens: 200, outputTokens: 20, costUsd: COSTS[1]! });
        const sandbox = await agent.sandboxes.create({ template: "bash" });
        await agent.tool("shell", { command: "seq 3" }, () => sandbox.commands.run("seq 3"));
        // What belongs to another is used in here too.
        await agent.tool("python", { code: "6*7" }, () => own.runCode("6*7"));
        await sandbox.terminate();
      });
      await opened.tool("delegate", {}, () =>
        opened.agent({ name: "critic" }, async (agent) => {
          agent.llm({ model: "small", inputTokens: 300, outputTokens: 30, costUsd: COSTS[2]! });
          const sandbox = await agent.sandboxes.create({ template: "python" });
          await agent.tool("python", { code: "1/0" }, () => sandbox.runCode("1/0"));
          await sandbox.terminate();
        }),
      );
      opened.llm({ model: "large", inputTokens: 400, outputTokens: 40, costUsd: COSTS[3]! });
      await own.terminate();
      return opened.runId;
    });
    run = await client.runs.get(runId);
    await until("the daemon's word on every request is there", async () => {
      trace = await client.traces.get(run.traceId);
      return trace.spans.filter(({ name }) => name === "http_request").length >= 11;
    });
    events = jsonLines((await callHttp(daemon, `GET /v1/events?runId=${runId}`)).text);
  });
  after(() => disposables.disposeAsync());

  test("is one tree: one root, and every span's parent is in the trace", () => {
    const ids = new Set(trace.spans.map(({ spanId }) => spanId));
    assert.equal(ids.size, trace.spans.length);
    const roots = trace.spans.filter(({ parentSpanId }) => parentSpanId === "");
    assert.equal(roots.length, 1, JSON.stringify(roots));
    const orphans = trace.spans.filter(({ parentSpanId }) => parentSpanId !== "" && !ids.has(parentSpanId));
    assert.deepEqual(orphans, []);
    for (const event of events) assert.equal(event.traceId, run.traceId, event.type);
  });

  test("shows which agent did what", () => {
    const byId = new Map(trace.spans.map((span) => [span.spanId, span]));
    const above = (spanId: string): string[] => {
      const span = byId.get(spanId);
      if (span === undefined) return [];
      const name =
        span.name === "agent.tool_call" ? `tool ${span.attributes["gen_ai.tool.name"]}` : span.name;
      return [...above(span.parentSpanId), name].filter((each) => each !== "http_request");
    };
    const paths = trace.spans
      .filter(({ name }) => name === "sandbox.execute" || name === "sandbox.create")
      .map(({ spanId }) => above(spanId).join(" > "));
    const root = "invoke_agent quarterly report";
    assert.deepEqual(paths.toSorted(), [
      `${root} > invoke_agent researcher > sandbox.create`,
      `${root} > invoke_agent researcher > tool python > sandbox.execute`,
      `${root} > invoke_agent researcher > tool shell > sandbox.execute`,
      `${root} > sandbox.create`,
      `${root} > tool delegate > invoke_agent critic > sandbox.create`,
      `${root} > tool delegate > invoke_agent critic > tool python > sandbox.execute`,
    ]);
    const agents = trace.spans.filter(
      ({ attributes }) => attributes["gen_ai.operation.name"] === "invoke_agent",
    );
    assert.deepEqual(agents.map(({ attributes }) => attributes["gen_ai.agent.name"]).toSorted(), [
      "analyst",
      "critic",
      "researcher",
    ]);
    const failed = trace.spans.filter(({ status }) => status === "error");
    assert.deepEqual(
      failed.map(({ name }) => name),
      ["sandbox.execute"],
    );
  });

  test("costs what its events add up to, to the cent and beyond, wherever it is asked", async () => {
    const sum = (type: "cost.llm" | "cost.runtime"): number =>
      events.reduce((rest, event) => (event.type === type ? rest + nanos(event.data.costUsd ?? 0) : rest), 0);
    const models = COSTS.reduce((rest, costUsd) => rest + nanos(costUsd), 0);
    assert.equal(sum("cost.llm"), models);
    assert.ok(sum("cost.runtime") > 0);
    assert.equal(nanos(run.llmCostUsd), models);
    assert.equal(nanos(run.runtimeCostUsd), sum("cost.runtime"));
    assert.equal(nanos(run.costUsd), models + sum("cost.runtime"));
    assert.equal(
      run.models.reduce((rest, { costUsd }) => rest + nanos(costUsd), 0),
      models,
    );
    assert.equal(
      run.sandboxList.reduce((rest, { costUsd }) => rest + nanos(costUsd), 0),
      sum("cost.runtime"),
    );
    // The agent's own word, which knows of no sandbox's cost.
    const end = events.find(({ type }) => type === "run.completed");
    assert.ok(end?.type === "run.completed");
    assert.equal(nanos(end.data.costUsd), models);
    assert.deepEqual([end.data.inputTokens, end.data.outputTokens], [run.inputTokens, run.outputTokens]);
    const [listed] = (await client.runs.list()).items;
    assert.equal(listed?.costUsd, run.costUsd);
  });

  test("counts what happened once, and `sandglass runs` says the same", async () => {
    assert.deepEqual(
      [run.sandboxes, run.execs, run.failures, run.toolCalls, run.toolErrors, run.llmCalls],
      [3, 3, 1, 4, 0, 4],
    );
    assert.deepEqual(
      run.failureList.map(({ cause, exitCode }) => [cause, exitCode]),
      [["exited", 1]],
    );
    const env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
    const { stdout: list } = await runCommand(["runs", "--json"], { env });
    assert.equal(JSON.parse(list)[0].costUsd, run.costUsd);
    const { stdout: story } = await runCommand(["runs", "show", run.runId], { env });
    assert.match(story, /^quarterly report by analyst {2}ok /);
    assert.match(story, /3 sandboxes · 3 execs \(1 failed\) · 4 tool calls · 4 model calls/);
    assert.match(story, /\n[^\n]* {2}agent researcher +ok [^\n]*\n(?:[^\n]*\n)*?[^\n]* {4}tool shell +ok/);
    assert.match(story, /tool delegate[^\n]*\n[^\n]* {4}agent critic +ok/);
  });
});
