import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { EventInput, RunDetail } from "@sandglass/protocol";
import { Recorder } from "@sandglass/telemetry";
import { Store } from "./store.ts";

const TRACE = "a".repeat(32);
const RUN = "run_one";

/** An event of run `run_one` unless said otherwise. */
function event(type: EventInput["type"], data: object, rest: Partial<EventInput> = {}): EventInput {
  const place = { traceId: TRACE, spanId: "b".repeat(16), parentSpanId: "" };
  return {
    type,
    data,
    level: "info",
    orgId: "default",
    sandboxId: "",
    runId: RUN,
    ...place,
    ...rest,
  } as EventInput;
}

const SANDBOX = `sbx_${"0".repeat(26)}`;
const CREATED = {
  template: "python",
  source: "pool",
  vcpu: 1,
  memoryMb: 512,
  diskMb: 1024,
  isolation: "bubblewrap",
  durationMs: 3,
};

function ended(execId: string, exitCode: number, cause = "exited"): EventInput {
  const data = { execId, kind: "command", command: "true", exitCode, cause, durationMs: 5, cpuMs: 2 };
  return event(
    "exec.completed",
    { ...data, maxRssBytes: 1, stdoutBytes: 3, stderrBytes: 0 },
    { sandboxId: SANDBOX },
  );
}

function modelCall(model: string, costUsd: number | undefined, origin?: "sandbox"): EventInput {
  return event("cost.llm", { model, inputTokens: 100, outputTokens: 10, cachedTokens: 40, costUsd, origin });
}

const STORY: readonly EventInput[] = [
  event("run.started", { name: "analyst", agent: "claude", metadata: { team: "data" } }),
  event("sandbox.created", CREATED, { sandboxId: SANDBOX }),
  event("agent.tool_call", { toolName: "python", toolCallId: "c1" }),
  ended("exec_1", 0),
  ended("exec_2", 137, "oom_killed"),
  event("agent.tool_result", { toolName: "python", toolCallId: "c1", durationMs: 1, isError: true }),
  modelCall("large", 0.25),
  modelCall("large", 0.5),
  modelCall("unheard-of", undefined),
  // Said inside a sandbox: anybody's word.
  modelCall("large", 1000, "sandbox"),
  event("cost.runtime", { cpuMs: 4, memoryMbMs: 10, costUsd: 0.125 }, { sandboxId: SANDBOX }),
  event(
    "sandbox.terminated",
    { cause: "user", lifetimeMs: 9, durationMs: 1, execs: 2, cpuMs: 4 },
    { sandboxId: SANDBOX },
  ),
  event("run.completed", {
    name: "analyst",
    status: "error",
    durationMs: 40,
    costUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    error: "no",
  }),
];

interface Kept {
  dataDir: string;
  problems: string[];
  open(limits?: {
    maxBytes?: number;
    maxAgeMs?: number;
  }): Promise<{ recorder: Recorder; store: Store; close(): Promise<void> }>;
}

function kept(t: TestContext): Kept {
  const dataDir = mkdtempSync(join(tmpdir(), "sandglass-store-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const problems: string[] = [];
  return {
    dataDir,
    problems,
    open: async (limits = {}) => {
      const recorder = await Recorder.open({ dataDir });
      const store = new Store({
        dataDir,
        log: recorder.log,
        maxBytes: 1024 ** 3,
        ...limits,
        expireEveryMs: 100,
        onProblem: (message) => problems.push(message),
      });
      store.begin();
      const close = async (): Promise<void> => {
        await store.close();
        await recorder.close();
      };
      return { recorder, store, close };
    },
  };
}

async function tell(recorder: Recorder, events: readonly EventInput[]): Promise<void> {
  await Promise.all(events.map((input) => recorder.emit(input)));
}

function checkStory(run: RunDetail | undefined): void {
  assert.ok(run);
  const { models, sandboxList, failureList, startedAt, endedAt, metadata, ...totals } = run;
  assert.ok(Date.parse(startedAt) <= Date.parse(endedAt ?? ""));
  assert.deepEqual({ ...metadata }, { team: "data" });
  assert.deepEqual(totals, {
    ...{ runId: RUN, name: "analyst", agent: "claude", status: "error", error: "no", durationMs: 40 },
    ...{ traceId: TRACE, spanId: "b".repeat(16), costUsd: 0.875, llmCostUsd: 0.75, runtimeCostUsd: 0.125 },
    ...{ inputTokens: 300, outputTokens: 30, cachedTokens: 120, llmCalls: 3, unpricedCalls: 1 },
    ...{ toolCalls: 1, toolErrors: 1, agentErrors: 0, sandboxes: 1, execs: 2, failures: 1 },
  });
  assert.deepEqual(
    models.map(({ model, calls, costUsd, unpricedCalls }) => [model, calls, costUsd, unpricedCalls]),
    [
      ["large", 2, 0.75, 0],
      ["unheard-of", 1, 0, 1],
    ],
  );
  assert.deepEqual(
    sandboxList.map(({ id, state, cause, execs, failures, costUsd }) => [
      id,
      state,
      cause,
      execs,
      failures,
      costUsd,
    ]),
    [[SANDBOX, "terminated", "user", 2, 1, 0.125]],
  );
  assert.deepEqual(
    failureList.map(({ execId, sandboxId, cause, exitCode }) => [execId, sandboxId, cause, exitCode]),
    [["exec_2", SANDBOX, "oom_killed", 137]],
  );
}

const asked = { orgId: "default", runId: RUN };

test("a run adds up, and what a sandbox says of itself is no part of it", async (t) => {
  const { recorder, store, close } = await kept(t).open();
  await tell(recorder, STORY);
  checkStory(await store.ask("getRun", asked));
  assert.equal(await store.ask("getRun", { orgId: "another", runId: RUN }), undefined);
  await close();
});

test("each event counts once over restarts, and a store that was deleted is filled again", async (t) => {
  const { dataDir, open, problems } = kept(t);
  for (const part of [STORY.slice(0, 5), STORY.slice(5, 6), STORY.slice(6)]) {
    const { recorder, store, close } = await open();
    await tell(recorder, part);
    assert.equal((await store.ask("getRun", asked))?.runId, RUN);
    await close();
  }
  for (const harm of [
    (): void => {},
    (): void => rmSync(join(dataDir, "store"), { recursive: true }),
    (): void => writeFileSync(join(dataDir, "store", "store.db"), "not a database at all".repeat(100)),
    (): void => truncateSync(join(dataDir, "store", "store.db"), 6000),
  ]) {
    harm();
    const { store, close } = await open();
    checkStory(await store.ask("getRun", asked));
    await close();
  }
  assert.ok(
    problems.every((problem) => /damaged/.test(problem)),
    problems.join("\n"),
  );
  assert.ok(problems.length >= 2, "the damage was not said");
});

test("runs come newest first, a page at a time, of one organisation and as they are filtered", async (t) => {
  const { recorder, store, close } = await kept(t).open();
  for (let index = 0; index < 5; index += 1) {
    await recorder.emit(event("run.started", { name: `Report ${index}` }, { runId: `run_${index}` }));
  }
  await recorder.emit(event("run.started", { name: "theirs" }, { runId: "run_1", orgId: "another" }));
  const { items, nextCursor } = await store.ask("listRuns", { orgId: "default", limit: 3 });
  assert.deepEqual(
    items.map(({ name }) => name),
    ["Report 4", "Report 3", "Report 2"],
  );
  assert.ok(nextCursor);
  const { decodePlace } = await import("./queries/page-cursor.ts");
  const rest = await store.ask("listRuns", { orgId: "default", limit: 3, after: decodePlace(nextCursor) });
  assert.deepEqual(rest, { items: rest.items });
  assert.deepEqual(
    rest.items.map(({ name }) => name),
    ["Report 1", "Report 0"],
  );
  const named = await store.ask("listRuns", {
    orgId: "default",
    limit: 3,
    name: "report 2",
    status: "running",
  });
  assert.deepEqual(
    named.items.map(({ runId }) => runId),
    ["run_2"],
  );
  await close();
});

test("the oldest go when the store grows beyond its size, what goes on stays", async (t) => {
  const { recorder, store, close } = await kept(t).open({ maxBytes: 2 * 1024 ** 2 });
  await tell(recorder, STORY);
  const text = "x".repeat(1000);
  const deadline = Date.now() + 60_000;
  const open = `sbx_${"1".repeat(26)}`;
  await recorder.emit(event("sandbox.created", CREATED, { sandboxId: open, runId: "run_two" }));
  while (store.state().expired === 0) {
    assert.ok(Date.now() < deadline, "nothing went");
    const more = Array.from({ length: 1000 }, () =>
      event("agent.thinking", { text, bytes: 1000 }, { runId: "run_two" }),
    );
    await tell(recorder, more);
    await store.ask("listRuns", { orgId: "default", limit: 1 });
  }
  assert.equal(await store.ask("getRun", asked), undefined);
  const second = await store.ask("getRun", { orgId: "default", runId: "run_two" });
  assert.deepEqual(
    second?.sandboxList.map(({ id }) => id),
    [open],
  );
  await close();
});

test("what is older than the record keeps goes, too", async (t) => {
  const { recorder, store, close } = await kept(t).open({ maxAgeMs: 3_600_000 });
  const timestamp = new Date(Date.now() - 7_200_000).toISOString();
  await tell(
    recorder,
    STORY.map((input) => ({ ...input, timestamp })),
  );
  const deadline = Date.now() + 60_000;
  while (store.state().expired < STORY.length) {
    assert.ok(Date.now() < deadline, "nothing went");
    await recorder.emit(event("agent.thinking", { bytes: 1 }, { runId: "run_two" }));
    await store.ask("listRuns", { orgId: "default", limit: 1 });
  }
  const { items } = await store.ask("listRuns", { orgId: "default", limit: 5 });
  assert.deepEqual(
    items.map(({ runId }) => runId),
    ["run_two"],
  );
  await close();
});

test("a query whose caller has gone ends, and the next is answered", async (t) => {
  const { recorder, store, close } = await kept(t).open();
  await tell(recorder, STORY);
  const gone = new AbortController();
  const first = store.ask("getRun", asked, gone.signal);
  gone.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  checkStory(await store.ask("getRun", asked));
  await close();
});
