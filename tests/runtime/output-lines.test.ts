import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputLines } from "@sandglass/runtime";
import { callContext, finished, run, startRuntime, until } from "@sandglass/testkit";
import { ServingCollector } from "./serving-collector.ts";

test("the last lines of a sandbox are told before its collector lets go of it, and both before its end is recorded", async () => {
  const collector = new ServingCollector();
  const steps: string[] = [];
  await using host = await startRuntime({
    collector,
    onLines: ({ lines }) => steps.push(...lines.map(({ text }) => text)),
  });
  collector.onDetach = async (id) => {
    steps.push("let go");
    assert.equal(host.events.ofType("sandbox.terminated", id).length, 0);
  };
  const sandbox = await host.create({ template: "bash", logs: true });
  const exec = await sandbox.exec({ command: "echo begun; printf unfinished; sleep 1000" }, callContext());
  await until("it has begun", () => steps.length === 1 && exec.info().stdoutBytes === 16);
  await sandbox.terminate("user", callContext());
  assert.deepEqual(steps, ["begun", "unfinished", "let go"]);
  assert.equal(host.events.ofType("sandbox.terminated", sandbox.id).length, 1);
});

test("lines are told of a sandbox from the pool and of its warmed interpreter, with the run and the name of each exec", async () => {
  const batches: OutputLines[] = [];
  await using host = await startRuntime({
    collector: new ServingCollector(),
    templates: { python: { poolSize: 1, warmup: "print('of nobody')", logs: true } },
    onLines: (batch) => batches.push(batch),
  });
  await host.runtime.ready();
  const sandbox = await host.create({
    template: "python",
    runId: "run_a",
    env: { OTEL_SERVICE_NAME: "shop" },
  });
  assert.equal(sandbox.info().source, "pool");
  assert.equal(sandbox.info().logs, true);
  await run(sandbox, { code: "print('first')" });
  await run(
    sandbox,
    { code: "print('second')", env: { OTEL_SERVICE_NAME: "till" } },
    callContext({ runId: "run_b" }),
  );
  assert.deepEqual(
    batches.map(({ runId, serviceName, lines }) => [
      runId,
      serviceName,
      lines.map(({ text }) => text).join(),
    ]),
    [
      ["run_a", "shop", "first"],
      ["run_b", "till", "second"],
    ],
  );
});

test("a flood in one sandbox costs another none of its lines, and the execs of one share what it may tell", async () => {
  const told = new Map<string, number>();
  await using host = await startRuntime({
    collector: new ServingCollector(),
    onLines: ({ sandboxId, lines }) => told.set(sandboxId, (told.get(sandboxId) ?? 0) + lines.length),
  });
  const [noisy, quiet] = await Promise.all([host.create({ logs: true }), host.create({ logs: true })]);
  const floods = [1, 2].map(() => noisy.exec({ command: "seq 1 20000" }, callContext()));
  const ran = await Promise.all((await Promise.all(floods)).map(finished));
  await run(quiet, { command: "seq 1 1500" });
  assert.equal(told.get(quiet.id), 1500);
  const seconds = 1 + Math.max(...ran.map(({ exit }) => exit.durationMs)) / 1000;
  const count = told.get(noisy.id) ?? 0;
  assert.ok(count >= 2_000 && count <= 2_000 + 1_000 * seconds, `${count} lines in ${seconds} s`);
});

test("whoever asks for lines where nobody takes them is told so", async () => {
  await using host = await startRuntime();
  await assert.rejects(host.create({ logs: true }), { code: "UNSUPPORTED_ON_HOST" });
  assert.equal((await host.create()).info().logs, false);
});
