import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import type { Sandbox } from "sandglass";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import type { KeyValue, Signal } from "../../packages/telemetry/src/otlp/model.ts";
import { plainOtlp } from "./plain-otlp.ts";
import { INSTALL_TIMEOUT_MS } from "./sandbox-packages.ts";
import { TracedDaemon } from "./traced-daemon.ts";

const FIXTURES = new URL("../../packages/telemetry/src/otlp/fixtures/", import.meta.url);
const EXAMPLES: readonly [string, Signal][] = [
  ["trace.json", "traces"],
  ["logs.json", "logs"],
  ["events.json", "logs"],
  ["metrics.json", "metrics"],
];
const POST = `
import sys, urllib.request
path, file = sys.argv[1:]
body = open(file, "rb").read()
request = urllib.request.Request("http://127.0.0.1:4318" + path, body, {"content-type": "application/json"})
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.headers["content-type"], answer.read().decode())
`;

interface Group {
  resource?: { attributes?: KeyValue[] };
}
const OWNED = [
  "sandglass.sandbox.id",
  "sandglass.org.id",
  "sandglass.template.id",
  "service.instance.id",
  "container.id",
];

describe("OpenTelemetry's own example requests, sent as JSON from inside a sandbox, are the same at a destination", () => {
  let world: TracedDaemon;
  let inJson: OtlpSink;
  let sandbox: Sandbox;
  before(
    async () => {
      inJson = await OtlpSink.start();
      const exporter = {
        provider: "otel",
        id: "json",
        config: { endpoint: inJson.url, protocol: "http/json" },
      };
      world = await TracedDaemon.start({ exporters: [exporter] });
      sandbox = await world.client.sandboxes.create({ template: "plain" });
      await sandbox.files.write("post.py", POST);
      for (const [name, signal] of EXAMPLES) {
        await sandbox.files.write(name, await readFile(new URL(name, FIXTURES)));
        const { stdout, stderr } = await sandbox.commands.run(`python3 post.py /v1/${signal} ${name}`);
        assert.deepEqual([stdout, stderr], ["200 application/json {}\n", ""], name);
      }
      await world.delivered();
    },
    { timeout: INSTALL_TIMEOUT_MS },
  );
  after(async () => {
    await world?.[Symbol.asyncDispose]();
    await inJson?.[Symbol.asyncDispose]();
  });

  for (const protocol of ["http/protobuf", "http/json"] as const) {
    for (const signal of ["traces", "logs", "metrics"] as const) {
      test(`${signal} that take ${protocol}`, async () => {
        const sink = protocol === "http/json" ? inJson : world.sink;
        const ofSandbox = sink.requests
          .filter((request) => request.signal === signal)
          .flatMap(({ data }) => groupsOf(data))
          .filter(({ resource }) => textOf(resource, "service.name") === "my.service");
        for (const { resource } of ofSandbox) {
          assert.deepEqual(
            OWNED.map((key) => textOf(resource, key)),
            [sandbox.id, "default", "plain", sandbox.id, sandbox.id],
          );
        }
        const files = EXAMPLES.filter(([, of]) => of === signal).map(([name]) => new URL(name, FIXTURES));
        const sent = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, "utf8"))));
        assert.deepEqual(ofSandbox.map(withoutStamp).sort(byText), sent.flatMap(groupsOf).sort(byText));
      });
    }
  }
});

/** `resourceSpans`, `resourceLogs` or `resourceMetrics`. */
function groupsOf(request: unknown): Group[] {
  return Object.values(plainOtlp(request) as Record<string, Group[]>).flat();
}

function textOf(resource: Group["resource"], name: string): string | undefined {
  return resource?.attributes?.find(({ key }) => key === name)?.value?.stringValue;
}

function withoutStamp({ resource, ...group }: Group): Group {
  const attributes = resource?.attributes?.filter(({ key }) => !OWNED.includes(key)) ?? [];
  return { resource: { ...resource, attributes }, ...group };
}

function byText(a: unknown, b: unknown): number {
  const [first, second] = [a, b].map((value) =>
    inspect(value, { sorted: true, depth: Number.POSITIVE_INFINITY }),
  );
  return first! < second! ? -1 : 1;
}
