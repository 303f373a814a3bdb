import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDaemon } from "@sandglass/testkit";
import { Client, type EventType, type RuntimeEvent, type RuntimeEventOf, type TraceInfo } from "sandglass";
import { runScript, type ScriptEnding, spawnScript } from "./run-script.ts";

const dataDir = mkdtempSync(join(tmpdir(), "sandglass-demo-"));
after(() => rmSync(dataDir, { recursive: true, force: true }));

/** The figure of the answer, from the same data by another program. */
function expectedMinutes(): string {
  const url = new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets"));
  const flights = JSON.parse(readFileSync(fileURLToPath(url), "utf8")) as { time: number; delay: number }[];
  const mean = (from: number, to: number): number => {
    const delays = flights.filter(({ time }) => time >= from && time < to).map(({ delay }) => delay);
    return delays.reduce((total, delay) => total + delay, 0) / delays.length;
  };
  return (mean(18, 24) - mean(6, 12)).toFixed(1);
}

describe("the analyst", () => {
  let ending: ScriptEnding;
  let traceId = "";
  let trace: TraceInfo;
  let events: RuntimeEvent[] = [];
  const bySandbox = new Map<string, RuntimeEvent[]>();

  const ofType = <T extends EventType>(type: T): RuntimeEventOf<T>[] =>
    events.filter((event): event is RuntimeEvent & RuntimeEventOf<T> => event.type === type);

  before(async () => {
    await using daemon = await startDaemon({ dataDir });
    const env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
    ending = await runScript("examples/analyst/analyst.ts", env);
    const runId = /^run (run_\w+)$/m.exec(ending.stdout)?.[1];
    traceId = /^trace ([0-9a-f]{32})$/m.exec(ending.stdout)?.[1] ?? "";
    assert.ok(runId !== undefined && traceId !== "", `${ending.stdout}\n${ending.stderr}`);
    const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    events = await recorded(client, { runId });
    trace = await client.traces.get(traceId);
    for (const { sandboxId } of ofType("sandbox.created")) {
      bySandbox.set(sandboxId, await recorded(client, { sandboxId }));
    }
    client.close();
  });

  test("ends well, with the figure that the data holds", () => {
    assert.equal(ending.code, 0, ending.stderr);
    assert.equal(ending.stderr, "");
    assert.match(ending.stdout, new RegExp(`run ${expectedMinutes()} minutes later than morning ones`));
    assert.match(ending.stdout, /it is not chance/);
    assert.deepEqual(
      ofType("run.completed").map(({ data }) => data.status),
      ["ok"],
    );
  });

  test("meets its memory limit once, a real error once, and goes on from both", () => {
    const failed = ofType("exec.completed").filter(({ data }) => data.exitCode !== 0);
    assert.deepEqual(
      failed.map(({ data }) => data.cause),
      ["oom_killed", "exited"],
    );
    assert.match(failed[0]?.data.reason ?? "", /memory limit of 48 MiB/);
    assert.match(failed[1]?.data.stderrTail ?? "", /AttributeError: 'float' object has no attribute 'split'/);
    const told = ofType("agent.tool_result").filter(({ data }) => data.isError);
    assert.equal(told.length, 2);
    const last = ofType("exec.completed").at(-1);
    assert.deepEqual([last?.data.cause, last?.data.exitCode], ["exited", 0]);
  });

  test("has three sandboxes at work at once", () => {
    const lastThree = ofType("exec.started").slice(-3);
    assert.equal(new Set(lastThree.map(({ sandboxId }) => sandboxId)).size, 3);
    const ids = lastThree.map(({ data }) => data.execId);
    const ends = ofType("exec.completed").filter(({ data }) => ids.includes(data.execId));
    const position = (event: RuntimeEvent): number => events.indexOf(event);
    assert.ok(Math.max(...lastThree.map(position)) < Math.min(...ends.map(position)));
  });

  test("ends every sandbox that it opens, each by its own call", () => {
    const created = ofType("sandbox.created").map(({ sandboxId }) => sandboxId);
    assert.ok(created.length >= 5, `${created.length} sandboxes`);
    const ended = ofType("sandbox.terminated");
    assert.deepEqual(ended.map(({ sandboxId }) => sandboxId).toSorted(), created.toSorted());
    assert.deepEqual([...new Set(ended.map(({ data }) => data.cause))], ["user"]);
  });

  test("leaves one trace, and in it one tree", () => {
    assert.deepEqual([...new Set(events.map((event) => event.traceId))], [traceId]);
    const spans = new Set(trace.spans.map(({ spanId }) => spanId));
    const roots = trace.spans.filter(({ parentSpanId }) => !spans.has(parentSpanId));
    assert.deepEqual(
      roots.map(({ name, attributes }) => [name, attributes["http.route"]]),
      [["http_request", "/v1/runs"]],
    );
    for (const exec of trace.spans.filter(({ name }) => name === "sandbox.execute")) {
      const request = trace.spans.find(({ spanId }) => spanId === exec.parentSpanId);
      const call = trace.spans.find(({ spanId }) => spanId === request?.parentSpanId);
      assert.equal(call?.attributes["gen_ai.tool.name"], "python");
    }
  });

  test("leaves a record without a hole: every sandbox counts its events from 1", () => {
    for (const [sandboxId, own] of bySandbox) {
      const counted = own.map((_, index) => index + 1);
      assert.deepEqual(
        own.map(({ seq }) => seq),
        counted,
        sandboxId,
      );
    }
  });
});

describe("make demo", () => {
  let ending: ScriptEnding;
  before(async () => {
    // The directory holds a run already, as it does for whoever runs the demo again.
    ending = await runScript("examples/analyst/demo.ts", {}, ["--data-dir", dataDir]);
  });

  test("ends well and says that nothing is left running", () => {
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /left nothing running/);
  });

  test("takes its sandboxes from the warm pool, for which it waits, but for the one that is smaller", () => {
    const created = ending.stdout.match(/ sandbox\.created .* source=\w+/g) ?? [];
    const sources = created.map((line) => line.slice(line.lastIndexOf("=") + 1));
    assert.deepEqual(sources, ["on_demand", "pool", "pool", "pool", "pool"]);
  });

  test("shows the run's timeline and its tree, by the commands that show them", () => {
    assert.match(ending.stdout, /^\$ \.\/bin\/sandglass tail .*--run run_\w+/m);
    assert.match(ending.stdout, /exec\.completed .*oom_killed/);
    const traceId = /^\$ \.\/bin\/sandglass trace ([0-9a-f]{32})$/m.exec(ending.stdout)?.[1] ?? "none";
    assert.match(ending.stdout, /^└─ invoke_agent analyst .* ok /m);
    assert.match(ending.stdout, /sandbox\.execute .*oom_killed/);
    assert.ok(ending.stdout.includes(`./bin/sandglass trace ${traceId} --events`));
  });

  test("keeps a record that a daemon started later opens, with the earlier runs in it", async () => {
    await using daemon = await startDaemon({ dataDir, apiKeys: [] });
    const keys = JSON.parse(readFileSync(daemon.credentialsFile, "utf8")) as Record<
      string,
      { apiKey: string }
    >;
    const client = new Client({ baseUrl: daemon.url, apiKey: keys[daemon.url]?.apiKey });
    const runs = await recorded(client, { types: ["run.completed"] });
    client.close();
    assert.equal(runs.length, 2);
    assert.ok(ending.stdout.includes(`trace ${runs[1]?.traceId}`));
  });

  test("stops its daemon when it is interrupted", async () => {
    const demo = spawnScript("examples/analyst/demo.ts", {}, ["--data-dir", dataDir]);
    const exited = once(demo, "exit") as Promise<[number | null]>;
    let shown = "";
    for await (const chunk of demo.stdout.setEncoding("utf8")) {
      const isAtWork = shown.includes("python scout");
      shown += chunk;
      if (!isAtWork && shown.includes("python scout")) demo.kill("SIGINT");
    }
    assert.deepEqual(await exited, [130, null]);
    const url = /daemon (http:\/\/[\d.:]+)/.exec(shown)?.[1] ?? "none";
    await assert.rejects(fetch(`${url}/healthz`), ({ cause }) => cause.code === "ECONNREFUSED");
  });

  test("keeps its key inside its data directory, where nobody else reads it", () => {
    assert.equal(statSync(join(dataDir, "credentials.json")).mode & 0o777, 0o600);
  });
});

async function recorded(client: Client, options: Parameters<Client["events"]>[0]): Promise<RuntimeEvent[]> {
  const all: RuntimeEvent[] = [];
  for await (const event of client.events(options)) {
    assert.notEqual(event.type, "gap");
    if (event.type !== "gap") all.push(event);
  }
  return all;
}
