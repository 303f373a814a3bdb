import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type CreateSandboxRequest, SandglassError } from "@sandglass/protocol";
import {
  callContext,
  livingPids,
  noTraces,
  run,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";
import { ServingCollector } from "./serving-collector.ts";

const context = callContext();
const SECRET = "secret-4711";
const DESTINATION = {
  OTEL_EXPORTER_OTLP_ENDPOINT: `https://${SECRET}.example`,
  OTEL_EXPORTER_OTLP_HEADERS: `api-key=${SECRET}`,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: SECRET,
};

/** Sends text to the collector with what bash has. */
const send = (port: number, text: string): string =>
  `exec 5<>/dev/tcp/127.0.0.1/${port}; printf 'POST /${text} HTTP/1.0\\r\\ncontent-length: ${text.length}\\r\\n\\r\\n${text}' >&5; cat <&5 | tail -n 1; exec 5>&-`;

describe("a sandbox with a collector", () => {
  const collector = new ServingCollector();
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({
      collector,
      templates: {
        python: { poolSize: 1, diskMb: 64 },
        exporting: { base: "bash", env: { T: "1", OTEL_EXPORTER_OTLP_ENDPOINT: "https://template.example" } },
      },
      defaults: { idleTimeoutMs: 0 },
    });
    await host.runtime.ready();
  });
  after(() => host.close());
  const isFull = () => until("the pool is full", () => host.runtime.stats().pool.python?.ready === 1);

  test("reaches it on both ports with its first command, and is known as its owner's", async () => {
    const sandbox = await host.runtime.create(
      { template: "bash", runId: "run_a" },
      { ...context, orgId: "acme" },
    );
    assert.deepEqual(collector.owners.get(sandbox.id), {
      orgId: "acme",
      template: "bash",
      runId: "run_a",
      destination: undefined,
      isTrusted: false,
    });
    for (const port of [4318, 4317])
      assert.equal((await run(sandbox, { command: send(port, "a") })).stdout, "taken");
    assert.deepEqual(
      collector.collected.get(sandbox.id)?.map(({ port, body, owner }) => [port, body, owner?.orgId]),
      [
        [4318, "a", "acme"],
        [4317, "a", "acme"],
      ],
    );
    await sandbox.terminate("user", context);
  });

  test("is served before it has an owner where it comes from the pool", async () => {
    await isFull();
    const served = collector.attached.filter((id) => !collector.owners.has(id));
    assert.equal(served.length, 1);
    const sandbox = await host.create({ template: "python" });
    assert.equal(sandbox.info().source, "pool");
    assert.equal(sandbox.id, served[0]);
    assert.equal(collector.owners.get(sandbox.id)?.orgId, "default");
    await sandbox.terminate("user", context);
    await isFull(); // what follows counts calls of the collector
  });

  test("lets go of it when its processes are gone, before its end is recorded", async () => {
    const sandbox = await host.create();
    const recorded: string[] = [];
    collector.onDetach = async (id) => {
      if (id !== sandbox.id) return;
      assert.deepEqual(livingPids(id), []);
      recorded.push(...host.events.of(id).map(({ type }) => type));
    };
    await sandbox.terminate("user", context);
    collector.onDetach = undefined;
    assert.ok(recorded.includes("sandbox.started") && !recorded.includes("sandbox.terminated"));
    assert.ok(!collector.attached.includes(sandbox.id));
    assert.equal(collector.calls.filter((call) => call === `detach ${sandbox.id}`).length, 1);
    await noTraces(host.dataDir, sandbox.id);
  });

  test("ends in time though its collector is slow to let go, and is given back when it has", async () => {
    const sandbox = await host.create();
    const gate = Promise.withResolvers<void>();
    collector.onDetach = async (id) => {
      if (id === sandbox.id) await gate.promise;
    };
    await sandbox.terminate("user", context);
    assert.equal(host.events.ofType("sandbox.terminated", sandbox.id).length, 1);
    assert.ok(collector.attached.includes(sandbox.id));
    gate.resolve();
    await until("it is let go of", () => !collector.attached.includes(sandbox.id));
    collector.onDetach = undefined;
  });

  test("is not handed out before it is served and claimed, which its first event does not wait for", async () => {
    const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const reached = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    collector.onAttach = async (id) => {
      reached[0]?.resolve(id);
      await steps[0]?.promise;
    };
    collector.onClaim = async (id) => {
      reached[1]?.resolve(id);
      await steps[1]?.promise;
    };
    let isMade = false;
    const making = host.create().finally(() => {
      isMade = true;
    });
    const id = (await reached[0]?.promise) as string;
    steps[0]?.resolve();
    assert.equal(await reached[1]?.promise, id);
    await until("its creation is recorded", () => host.events.ofType("sandbox.started", id).length === 1);
    assert.equal(isMade, false);
    steps[1]?.resolve();
    const sandbox = await making;
    assert.equal(sandbox.id, id);
    Object.assign(collector, { onAttach: undefined, onClaim: undefined });
    await sandbox.terminate("user", context);
  });

  test("is not handed out where it cannot be attached, and nothing is left of it", async () => {
    let id = "";
    collector.onAttach = async (attached) => {
      id = attached;
      throw new Error("no descriptors left");
    };
    const refused = { code: "DRIVER_ERROR", message: /collector.*no descriptors left/ };
    await assert.rejects(host.create(), refused);
    collector.onAttach = undefined;
    assert.equal(host.events.ofType("sandbox.terminated", id)[0]?.data.cause, "driver_error");
    await noTraces(host.dataDir, id);
  });

  test("ends where its owner is refused, and the caller hears why", async () => {
    let id = "";
    collector.onClaim = async (claimed) => {
      id = claimed;
      throw new Error("its log is full");
    };
    const refused = { code: "DRIVER_ERROR", message: /owner: its log is full/ };
    await assert.rejects(host.create(), refused);
    collector.onClaim = undefined;
    assert.equal(host.events.ofType("sandbox.terminated", id)[0]?.data.cause, "driver_error");
    assert.ok(!host.runtime.list("default").some((known) => known.id === id));
    await noTraces(host.dataDir, id);
  });

  const destinations: [
    why: string,
    request: CreateSandboxRequest,
    destination: object | undefined,
    isTrusted?: boolean,
  ][] = [
    ["its env names one", { env: { ...DESTINATION, A: "1" } }, { env: DESTINATION }],
    [
      "its template names one",
      { template: "exporting" },
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "https://template.example" } },
      true,
    ],
    ["both do: its own", { template: "exporting", env: DESTINATION }, { env: DESTINATION }],
    ["it wants none", { template: "exporting", env: DESTINATION, otelExport: false }, undefined],
    ["nobody names one", {}, undefined],
  ];
  for (const [why, request, destination, isTrusted = false] of destinations) {
    test(`its destination where ${why}`, async () => {
      const sandbox = await host.create(request);
      const owner = collector.owners.get(sandbox.id);
      assert.deepEqual(owner?.destination, destination);
      assert.equal(owner?.isTrusted, isTrusted);
      assert.equal(sandbox.info().otelExport, destination !== undefined);
      await sandbox.terminate("user", context);
    });
  }

  test("a caller who may do what the operator may is trusted with any destination", async () => {
    const sandbox = await host.runtime.create({ template: "bash", env: DESTINATION }, context, {
      isTrusted: true,
    });
    assert.equal(collector.owners.get(sandbox.id)?.isTrusted, true);
    await sandbox.terminate("user", context);
  });

  test("asked to export to nowhere it is refused before anything is made", async () => {
    const before = collector.calls.length;
    await assert.rejects(host.create({ otelExport: true }), { code: "INVALID_REQUEST" });
    assert.equal(collector.calls.length, before);
  });

  test("with a destination that cannot be it is refused before anything is made, and the pool is as it was", async () => {
    await isFull();
    const [before, recorded] = [collector.calls.length, host.events.all.length];
    collector.onCheck = ({ destination }) => {
      assert.deepEqual(destination, { env: DESTINATION });
      throw new SandglassError("INVALID_REQUEST", "not there");
    };
    const refused = host.create({ template: "python", env: DESTINATION });
    await assert.rejects(refused, { code: "INVALID_REQUEST" });
    collector.onCheck = undefined;
    assert.equal(collector.calls.length, before);
    assert.equal(host.events.all.length, recorded);
    assert.equal(host.runtime.stats().pool.python?.ready, 1);
  });

  test("whose caller is refused when it is claimed ended by that call: nothing of the host's failed", async () => {
    let id = "";
    collector.onClaim = async (claimed) => {
      id = claimed;
      throw new SandglassError("EXPORTER_LIMIT_REACHED", "too many");
    };
    await assert.rejects(host.create(), { code: "EXPORTER_LIMIT_REACHED" });
    collector.onClaim = undefined;
    assert.equal(host.events.ofType("sandbox.terminated", id)[0]?.data.cause, "user");
    assert.deepEqual(host.events.ofType("sandbox.error", id), []);
  });

  test("no process sees where its telemetry goes, nor anything on its disk or in an event", async () => {
    const sandbox = await host.create({ template: "python", env: { A: "1", ...DESTINATION } });
    const look = `env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; grep -rl secret-471[1] / --include=* --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr 2>/dev/null`;
    const languages = ["python", "javascript", "bash"] as const;
    const codes = {
      python: "import os; print(dict(os.environ))",
      javascript: "console.log({ ...process.env })",
      bash: "env",
    };
    let said = (await run(sandbox, { command: look, env: DESTINATION })).stdout;
    for (const language of languages) {
      for (let cell = 0; cell < 2; cell++)
        said += (await run(sandbox, { code: codes[language], language, env: DESTINATION })).stdout;
    }
    said += (await run(sandbox, { command: look })).stdout;
    assert.ok(said.includes("127.0.0.1:4318"));
    assert.ok(!said.includes(SECRET));
    assert.ok(!said.includes("OTEL_EXPORTER_OTLP_HEADERS"));
    await sandbox.terminate("user", context);
    assert.ok(!JSON.stringify([host.events.of(sandbox.id), sandbox.info()]).includes(SECRET));
  });
});

test("pooled sandboxes that nobody took are let go of when the runtime closes", async () => {
  const collector = new ServingCollector();
  const host = await startRuntime({
    collector,
    templates: { python: { poolSize: 0 }, bash: { poolSize: 2 } },
  });
  await host.runtime.ready();
  assert.equal(collector.attached.length, 2);
  await host.close();
  assert.deepEqual(collector.attached, []);
  assert.equal(collector.owners.size, 0);
});

test("without a collector nothing of telemetry is set, nothing is exported, and the destination stays out all the same", async () => {
  await using host = await startRuntime();
  const sandbox = await host.create({ env: { ...DESTINATION, OTEL_SERVICE_NAME: "mine" } });
  assert.equal(sandbox.info().otelExport, false);
  const { stdout } = await run(sandbox, { command: "env", env: DESTINATION });
  assert.deepEqual(
    stdout.split("\n").filter((line) => line.startsWith("OTEL_")),
    ["OTEL_SERVICE_NAME=mine"],
  );
  await assert.rejects(host.create({ otelExport: true, env: DESTINATION }), { code: "UNSUPPORTED_ON_HOST" });
});
