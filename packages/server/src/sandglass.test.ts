import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type RuntimeEvent, SandglassError } from "@sandglass/protocol";
import { ConfigError, loadConfig, type SandglassOptions } from "./config.ts";
import { Sandglass } from "./sandglass.ts";

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-inprocess-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

test("a program runs code in its own process, and the record tells of it in the program's trace", async (context) => {
  const dataDir = await directory(context);
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await using sandglass = await Sandglass.start({ dataDir, pool: { python: 0 } });
  const sandbox = await sandglass.sandboxes.create({ template: "python" }, { traceparent });
  await sandbox.writeFile("greeting.txt", "héllo");
  const ran = await sandbox.runCode("print(open('greeting.txt').read())\nlen('abc')");
  assert.deepEqual([ran.stdout, ran.stderr, ran.exitCode, ran.cause], ["héllo\n", "", 0, "exited"]);
  assert.deepEqual(ran.result, { "text/plain": "3" });
  const failed = await sandbox.run("echo oops >&2; exit 3");
  assert.deepEqual([failed.stderr, failed.exitCode], ["oops\n", 3]);
  assert.equal((await sandbox.readFile("greeting.txt")).toString(), "héllo");
  await sandbox.close();
  assert.equal(sandbox.info().cause, "user");

  const types: string[] = [];
  for await (const { event } of sandglass.recorder.read({ traceId: ran.traceId }))
    if (event !== undefined) types.push(event.type);
  assert.equal(types[0], "sandbox.created");
  assert.equal(types.filter((type) => type === "exec.completed").length, 2);
  assert.equal(types.at(-1), "sandbox.terminated");
});

test("a program forks its sandboxes, compares them and keeps one", async (context) => {
  const dataDir = await directory(context);
  await using sandglass = await Sandglass.start({ dataDir, pool: { bash: 0 } });
  await using sandbox = await sandglass.sandboxes.create({ template: "bash" });
  await sandbox.writeFile("kept", "as it was");
  const [one, two] = await sandbox.fork({ n: 2 });
  assert.ok(one !== undefined && two !== undefined);
  await one.run("echo one > idea; rm kept");
  await two.run("echo two > idea");
  assert.deepEqual((await one.diff()).removed, ["/workspace/kept"]);
  assert.deepEqual((await two.diff({ against: one })).modified, ["/workspace/idea"]);
  await assert.rejects(sandbox.diff(), { code: "INVALID_REQUEST" });
  await sandbox.merge(two);
  assert.equal((await sandbox.readFile("idea")).toString(), "two\n");
  assert.equal((await sandbox.readFile("kept")).toString(), "as it was");
  assert.equal(two.info().cause, "merged");
  assert.equal(one.info().parentId, sandbox.id);
});

test("what a sandbox used and cost is in the record, by the configured rates", async (context) => {
  await using sandglass = await Sandglass.start({
    dataDir: await directory(context),
    pool: { python: 0 },
    costRates: { memoryGbHourUsd: 3600 },
  });
  const sandbox = await sandglass.sandboxes.create({ template: "bash", memoryMb: 1024 });
  await sandbox.close();
  const filter = { types: ["resource.sample", "cost.runtime"] } as const;
  const events: RuntimeEvent[] = [];
  for await (const { event } of sandglass.recorder.read({ sandboxId: sandbox.id, filter }))
    if (event !== undefined) events.push(event);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["resource.sample", "resource.sample", "cost.runtime"],
  );
  const [, last, cost] = events;
  assert.ok(last?.type === "resource.sample" && cost?.type === "cost.runtime");
  // A dollar for a second of its GiB.
  assert.ok(Math.abs(cost.data.costUsd - last.data.uptimeMs! / 1000) < 1e-3, `${cost.data.costUsd}`);
});

test("a bad request is refused as over HTTP", async (context) => {
  await using sandglass = await Sandglass.start({ dataDir: await directory(context), pool: { python: 0 } });
  await assert.rejects(
    sandglass.sandboxes.create({ memoryMb: -1 }),
    (error: unknown) => error instanceof SandglassError && error.code === "INVALID_REQUEST",
  );
  assert.throws(
    () => sandglass.sandboxes.get("sbx_none"),
    (error: unknown) => error instanceof SandglassError && error.code === "SANDBOX_NOT_FOUND",
  );
});

test("stopping ends what is open with host_shutdown, and the directory is free for the next", async (context) => {
  const dataDir = await directory(context);
  const first = await Sandglass.start({ dataDir, pool: { python: 0 } });
  const sandbox = await first.sandboxes.create({ template: "bash" });
  const exec = await sandbox.exec({ command: "sleep 600" });
  await Promise.all([first.stop(), first.stop()]);
  assert.equal((await exec.completed).cause, "host_shutdown");
  assert.equal(sandbox.info().cause, "host_shutdown");
  await using second = await Sandglass.start({ dataDir, pool: { python: 0 } });
  assert.equal(second.recorder.recovery.openSandboxes.length, 0);
});

test("a start that fails half-way gives back what it had taken", async (context) => {
  const dataDir = await directory(context);
  const templates = { broken: { mounts: [{ source: join(dataDir, "nowhere"), target: "/opt/x" }] } };
  await assert.rejects(Sandglass.start({ dataDir, templates }), /nowhere/);
  await using sandglass = await Sandglass.start({ dataDir, pool: { python: 0 } });
  assert.equal(sandglass.recorder.stats().lastPosition, 1);
});

test("a caller's destination that cannot be is refused before there is a sandbox, and nothing is recorded as the host's failure", async (context) => {
  const seen: RuntimeEvent[] = [];
  const dataDir = await directory(context);
  const loaded = await loadConfig({ options: { dataDir, pool: { python: 0 } }, env: {}, cwd: dataDir });
  await using sandglass = await Sandglass.open(loaded, { event: (event) => seen.push(event) });
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere s3cret" };
  await assert.rejects(sandglass.sandboxes.create({ template: "bash", env }), (error) => {
    assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST");
    assert.match(error.message, /OTEL_EXPORTER_OTLP_ENDPOINT/);
    assert.ok(!error.message.includes("s3cret"));
    return true;
  });
  await sandglass.endWork(1_000);
  assert.deepEqual(
    seen.map(({ type }) => type).filter((type) => type.startsWith("sandbox.")),
    [],
  );
});

test("an operator's destination that cannot be is refused at the start, which names the option and changes nothing", async (context) => {
  const dataDir = join(await directory(context), "data");
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://user:s3cret@otlp.example.com" };
  const wrong: [option: RegExp, options: SandglassOptions][] = [
    [/otelExport: .*OTEL_EXPORTER_OTLP_ENDPOINT/, { otelExport: env }],
    [/otelExport: .*endpoint/, { otelExport: { OTEL_EXPORTER_OTLP_HEADERS: "api-key=s3cret" } }],
    [/templates\.mine\.env: .*OTEL_EXPORTER_OTLP_ENDPOINT/, { templates: { mine: { env } } }],
  ];
  for (const [option, options] of wrong) {
    await assert.rejects(Sandglass.start({ dataDir, ...options }), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, option);
      assert.ok(!error.message.includes("s3cret"));
      return true;
    });
  }
  await assert.rejects(stat(dataDir), { code: "ENOENT" });
});

test("a directory that is not ours is refused before anything is written into it", async (context) => {
  const dataDir = await directory(context);
  await writeFile(join(dataDir, "thesis.txt"), "x");
  await assert.rejects(Sandglass.start({ dataDir }), /holds other files/);
  await assert.rejects(stat(join(dataDir, "log")), { code: "ENOENT" });
});
