import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExecRequest } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime } from "@sandglass/testkit";
import { ServingCollector } from "./serving-collector.ts";

const context = callContext();
const PREFIX = "OTEL_";

const LOOK: readonly ExecRequest[] = [
  { command: "env" },
  { language: "bash", code: "env" },
  { language: "python", code: "import os\nfor name, value in os.environ.items(): print(f'{name}={value}')" },
  {
    language: "javascript",
    code: "for (const [name, value] of Object.entries(process.env)) console.log(name + '=' + value)",
  },
];

async function look(sandbox: SandboxHandle, request: ExecRequest): Promise<Record<string, string>> {
  const { stdout } = await run(sandbox, request);
  const pairs = stdout
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return Object.fromEntries(pairs.filter(([name]) => name?.startsWith(PREFIX)));
}

describe("what programs in a sandbox are told of telemetry", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({
      collector: new ServingCollector(),
      templates: {
        python: {
          poolSize: 1,
          warm: ["python", "javascript", "bash"],
          warmup: "x = 1",
          env: { T: "1" },
          memoryMb: 512,
        },
      },
      defaults: { idleTimeoutMs: 0 },
    });
    await host.runtime.ready();
  });
  after(() => host.close());

  test("is where the collector is and who they are, also in interpreters that were there before their owner", async () => {
    const sandbox = await host.create({ template: "python", runId: "run_a" });
    assert.equal(sandbox.info().source, "pool");
    const expected = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_SERVICE_NAME: "python",
      OTEL_RESOURCE_ATTRIBUTES: `sandglass.sandbox.id=${sandbox.id},sandglass.template.id=python,sandglass.run.id=run_a`,
    };
    for (const request of LOOK)
      for (let again = 0; again < 2; again++) assert.deepEqual(await look(sandbox, request), expected);
    await sandbox.terminate("user", context);
  });

  test("follows what the creation says, and for one exec what that says", async () => {
    const sandbox = await host.create({
      template: "python",
      env: { OTEL_SERVICE_NAME: "mine", OTEL_RESOURCE_ATTRIBUTES: "team=a" },
    });
    const ours = `sandglass.sandbox.id=${sandbox.id},sandglass.template.id=python`;
    const who = async (request: ExecRequest): Promise<unknown[]> => {
      const { OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES } = await look(sandbox, request);
      return [OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES];
    };
    for (const request of LOOK) {
      assert.deepEqual(await who(request), ["mine", `${ours},team=a`]);
      const once = { OTEL_SERVICE_NAME: "once" };
      assert.deepEqual(await who({ ...request, env: once }), ["once", `${ours},team=a`]);
      const attributes = { OTEL_RESOURCE_ATTRIBUTES: "team=b" };
      assert.deepEqual(await who({ ...request, env: attributes }), ["mine", `${ours},team=b`]);
      assert.deepEqual(await who(request), ["mine", `${ours},team=a`]);
    }
    await sandbox.terminate("user", context);
  });

  test("may be changed by a cell for those behind it", async () => {
    const sandbox = await host.create({ template: "python" });
    await run(sandbox, {
      code: `import os; os.environ.update(OTEL_SERVICE_NAME="chosen", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")`,
    });
    const found = await look(sandbox, LOOK[2] as ExecRequest);
    assert.equal(found.OTEL_SERVICE_NAME, "chosen");
    assert.equal(found.OTEL_EXPORTER_OTLP_PROTOCOL, "grpc");
    // An interpreter that comes in its place is told anew.
    await run(sandbox, { code: "import os; os._exit(1)" });
    assert.equal((await look(sandbox, LOOK[2] as ExecRequest)).OTEL_SERVICE_NAME, "python");
    await sandbox.terminate("user", context);
  });
});
