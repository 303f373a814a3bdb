import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ErrorCode, type RuntimeEvent, SandglassError } from "@sandglass/protocol";
import { Sandglass } from "../sandglass.ts";

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-inprocess-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

async function eventsIn(path: string): Promise<RuntimeEvent[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RuntimeEvent);
}

function isCode(code: ErrorCode) {
  return (error: unknown) => error instanceof SandglassError && error.code === code;
}

const NO_POOL = { pool: { python: 0 } };

test("an exporter gets everything from host.started to host.stopped, once, in order", async (context) => {
  const dataDir = await directory(context);
  const filePath = join(dataDir, "..", `${dataDir.split("/").at(-1)}.jsonl`);
  context.after(() => rm(filePath, { force: true }));
  const sandglass = await Sandglass.start({
    dataDir,
    ...NO_POOL,
    observability: { provider: "jsonl", config: { filePath } },
  });
  const sandbox = await sandglass.sandboxes.create({ template: "bash" });
  await sandbox.run("echo hello");
  await sandglass.stop();
  const events = await eventsIn(filePath);
  const types = events.map(({ type }) => type);
  assert.deepEqual([types[0], types.at(-1)], ["host.started", "host.stopped"]);
  assert.ok(types.includes("exec.completed") && types.includes("sandbox.terminated"));
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
});

test("a program filters by a function, flushes, and changes its exporters while it runs", async (context) => {
  const dataDir = await directory(context);
  const path = (name: string) => join(dataDir, name);
  await using sandglass = await Sandglass.start({
    dataDir,
    ...NO_POOL,
    observability: {
      exporters: [
        {
          provider: "jsonl",
          id: "failed",
          config: { filePath: path("failed.jsonl") },
          filter: { condition: (event) => event.type === "exec.completed" && event.data.exitCode !== 0 },
        },
      ],
    },
  });
  const { observability } = sandglass;
  const added = await observability.add({
    provider: "jsonl",
    id: "more",
    config: { filePath: path("more.jsonl") },
    startAt: "earliest",
  });
  assert.deepEqual([added.id, added.origin], ["more", "api"]);
  await assert.rejects(
    observability.add({ provider: "jsonl", id: "more", config: { filePath: path("x") } }),
    isCode("EXPORTER_CONFLICT"),
  );
  await assert.rejects(observability.remove("failed"), isCode("EXPORTER_CONFLICT"));
  const sandbox = await sandglass.sandboxes.create({ template: "bash" });
  for (const command of ["true", "exit 3"]) await sandbox.run(command);
  const { pending } = await observability.flush();
  assert.equal(pending, 0);
  const [failed, ...others] = await eventsIn(path("failed.jsonl"));
  assert.ok(failed?.type === "exec.completed" && failed.data.exitCode === 3 && others.length === 0);
  assert.equal((await eventsIn(path("more.jsonl")))[0]?.type, "host.started");
  await observability.remove("more");
  assert.deepEqual(
    observability.list().map(({ id }) => id),
    ["failed"],
  );
  assert.throws(() => observability.get("more"), isCode("EXPORTER_NOT_FOUND"));
});

test("nothing is changed any more once the end has begun", async (context) => {
  const dataDir = await directory(context);
  const sandglass = await Sandglass.start({ dataDir, ...NO_POOL });
  await sandglass.stop();
  const late = { provider: "jsonl", config: { filePath: join(dataDir, "late.jsonl") } } as const;
  await assert.rejects(sandglass.observability.add(late), isCode("SHUTTING_DOWN"));
});

test("what a program adds lasts as long as it runs, and continues where it was when it is added again", async (context) => {
  const dataDir = await directory(context);
  const exporter = { provider: "jsonl", id: "mine", config: { filePath: join(dataDir, "mine.jsonl") } };
  const first = await Sandglass.start({ dataDir, ...NO_POOL });
  await first.observability.add({ ...exporter, startAt: "earliest" });
  await first.stop();
  await using second = await Sandglass.start({ dataDir, ...NO_POOL });
  assert.deepEqual(second.observability.list(), []);
  await second.observability.add(exporter);
  await second.observability.flush();
  const types = (await eventsIn(exporter.config.filePath)).map(({ type }) => type);
  assert.deepEqual(types, ["host.started", "host.stopped", "host.started"]);
});

test("an exporter of an organisation gets its events and nobody else's", async (context) => {
  const dataDir = await directory(context);
  const filePath = join(dataDir, "alpha.jsonl");
  await using sandglass = await Sandglass.start({ dataDir, ...NO_POOL });
  const owner = { origin: "api", orgId: "alpha", isTrusted: true } as const;
  await sandglass.observability.keep({ provider: "jsonl", config: { filePath }, startAt: "earliest" }, owner);
  for (const orgId of ["alpha", "beta"]) {
    const sandbox = await sandglass.sandboxes.create({ template: "bash" }, { orgId });
    await sandbox.close();
  }
  await sandglass.observability.flush();
  const orgs = new Set((await eventsIn(filePath)).map(({ orgId }) => orgId));
  assert.deepEqual([...orgs], ["alpha"]);
  assert.deepEqual(sandglass.observability.list("beta"), []);
});

test("an exporter of one's own is named like any other, and every start from then on knows it", async (context) => {
  const dataDir = await directory(context);
  const seen: string[] = [];
  const life: unknown[] = [];
  assert.throws(
    () => Sandglass.registerObservabilityExporter("jsonl", () => assert.fail()),
    isCode("INVALID_REQUEST"),
  );
  Sandglass.registerObservabilityExporter("collect", () => ({
    id: "collect",
    initialize: async (config) => void life.push(config),
    export: async (events) => void seen.push(...events.map(({ type }) => type)),
    flush: async () => undefined,
    dispose: async () => void life.push("disposed"),
  }));
  const sandglass = await Sandglass.start({
    dataDir,
    ...NO_POOL,
    observability: {
      exporters: [{ provider: "collect", config: { anything: 1 }, filter: { types: ["host.*"] } }],
    },
  });
  await sandglass.stop();
  assert.deepEqual(seen, ["host.started", "host.stopped"]);
  assert.deepEqual(life, [{ anything: 1 }, "disposed"]);
});

test("a start that fails behind the exporters ends them too", async (context) => {
  const dataDir = await directory(context);
  const observability = { provider: "jsonl", config: { filePath: join(dataDir, "a.jsonl") } } as const;
  const templates = { broken: { mounts: [{ source: join(dataDir, "nowhere"), target: "/opt/x" }] } };
  await assert.rejects(Sandglass.start({ dataDir, templates, observability }), /nowhere/);
  await using sandglass = await Sandglass.start({ dataDir, ...NO_POOL, observability });
  await sandglass.observability.flush();
  assert.equal((await eventsIn(observability.config.filePath)).length, 1);
});
