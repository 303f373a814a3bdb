import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";
import { type Combination, combinationsOf } from "./combinations.ts";
import { expectedLogs, expectedMetrics, expectedSpans, keyValues, type MadeMetric } from "./expected-otlp.ts";
import { MockOtlpServer } from "./mock-otlp-server.ts";
import { attributesByKey, plainOtlp } from "./plain-otlp.ts";
import type { ReceivedScope } from "./received-scopes.ts";
import { INSTALL_TIMEOUT_MS, installedSet, Mountable } from "./sandbox-packages.ts";
import { FORGED, OWN, SCHEMA_URL, SCOPE_VERSION, TOLD_LOGS, TOLD_METRICS, TOLD_SPANS } from "./told.ts";

const SDKS = ["otel-sdk-2", "otel-sdk-3"] as const;
const PROGRAM = new URL("inside/send-all.mjs", import.meta.url);

describe("what OpenTelemetry's own exporters send inside a sandbox without a network arrives as the SDK was told, with the host's identity", () => {
  const disposables = new AsyncDisposableStack();
  let mock: MockOtlpServer;
  let daemon: TestDaemon;
  let client: Client;
  before(
    async () => {
      const sets = await Promise.all(SDKS.map(installedSet));
      const mountable = disposables.use(new Mountable());
      const node = { source: await mountable.node(), target: "/opt/tests-node" };
      const templates: Record<string, object> = {};
      for (const [index, sdk] of SDKS.entries()) {
        const packages = { source: await mountable.of(sets[index]!), target: "/opt/otel" };
        templates[sdk] = { base: "bash", mounts: [node, packages] };
      }
      mock = disposables.use(await MockOtlpServer.start());
      const observability = { provider: "otel", config: { endpoint: mock.url } };
      daemon = disposables.use(
        await startDaemon({
          env: {
            SANDGLASS_TEMPLATES: JSON.stringify(templates),
            SANDGLASS_OBSERVABILITY: JSON.stringify(observability),
          },
        }),
      );
      client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
      disposables.defer(() => client.close());
    },
    { timeout: INSTALL_TIMEOUT_MS },
  );
  after(() => disposables.disposeAsync());

  for (const sdk of SDKS) {
    describe(`with ${sdk}`, () => {
      const combinations = combinationsOf(sdk);
      let sandboxId: string;
      let made: Record<string, MadeMetric[]>;
      before(async () => {
        await using sandbox = await client.sandboxes.create({ template: sdk, memoryMb: 1024 });
        sandboxId = sandbox.id;
        const told = { spans: TOLD_SPANS, logs: TOLD_LOGS, metrics: TOLD_METRICS };
        const scope = { schemaUrl: SCHEMA_URL, version: SCOPE_VERSION };
        const work = { sdk, combinations, ...told, ...scope, resource: { ...FORGED, ...OWN } };
        await sandbox.files.write("told.json", JSON.stringify(work));
        await sandbox.files.write("send-all.mjs", await readFile(PROGRAM));
        const interfaces = await sandbox.commands.run(
          `/opt/tests-node/node -p "Object.keys(os.networkInterfaces())"`,
        );
        assert.equal(interfaces.stdout, "[ 'lo' ]\n");
        const { exitCode, stdout, stderr } = await sandbox.commands.run(
          "/opt/tests-node/node send-all.mjs told.json",
        );
        assert.deepEqual([stderr, exitCode], ["", 0]);
        made = JSON.parse(stdout);
        const { dropped, pending } = await client.exporters.flush({ timeoutMs: 60_000 });
        assert.deepEqual([dropped, pending], [0, 0]);
      });

      for (const combination of combinations) {
        const { name, signal } = combination;
        test(name, () => {
          const [received, ...more] = scopesOf(mock, combination);
          assert.deepEqual(more, []);
          const expected = {
            traces: () => expectedSpans(combination),
            logs: () => expectedLogs(combination),
            metrics: () => expectedMetrics(made[name] ?? []),
          }[signal]();
          assert.deepEqual(
            inOrder(combination, received?.items ?? []),
            inOrder(combination, plainOtlp(expected)),
          );
          assert.deepEqual(received?.scope, { name, version: SCOPE_VERSION });
          assert.equal(received?.schemaUrl, SCHEMA_URL);
          const identity = {
            "sandglass.sandbox.id": sandboxId,
            "sandglass.org.id": "default",
            "sandglass.template.id": sdk,
            "service.instance.id": sandboxId,
            "container.id": sandboxId,
          };
          assert.deepEqual(
            attributesByKey(received?.resource.attributes),
            attributesByKey(keyValues({ ...OWN, ...identity })),
          );
        });
      }
    });
  }
});

function scopesOf({ scopes }: MockOtlpServer, { name }: Combination): ReceivedScope[] {
  return scopes.filter(({ scope }) => scope.name === name);
}

/** An SDK puts its metrics in an order of its own. */
function inOrder({ signal }: Combination, items: unknown): unknown[] {
  const list = items as { name?: string }[];
  return signal === "metrics" ? list.toSorted((a, b) => (a.name! < b.name! ? -1 : 1)) : list;
}
