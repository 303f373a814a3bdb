import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import type { OtlpLogRecord } from "../../packages/telemetry/src/otlp/model.ts";
import { attributesByKey } from "./plain-otlp.ts";
import { receivedScopes } from "./received-scopes.ts";
import { type ArrivedSpan, spansAt } from "./span-tree.ts";

describe("an operation on files that fails", () => {
  let sink: OtlpSink;
  let daemon: TestDaemon;
  let client: Client;
  let sandbox: Sandbox;
  before(async () => {
    sink = await OtlpSink.start();
    const exporter = {
      provider: "otel",
      config: { endpoint: sink.url, batchConfig: { scheduleDelayMs: 20 } },
    };
    daemon = await startDaemon({
      args: ["--pool", "bash=0"],
      env: { SANDGLASS_OBSERVABILITY: JSON.stringify(exporter), SANDGLASS_SELF_METRICS: "false" },
    });
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    sandbox = await client.createSandbox("bash");
    await assert.rejects(sandbox.files.readText("nowhere"), { code: "FILE_NOT_FOUND" });
    await assert.rejects(sandbox.files.write("/proc/nowhere", "x"));
    await assert.rejects(sandbox.files.remove("nowhere"), { code: "FILE_NOT_FOUND" });
    await assert.rejects(sandbox.files.list("nowhere"), { code: "FILE_NOT_FOUND" });
    assert.equal(await sandbox.files.exists("nowhere"), false);
    await sandbox.terminate();
    await until("its end is delivered", () =>
      records().some(({ eventName }) => eventName === "sandbox.terminated"),
    );
    await client.exporters.flush();
  });
  after(async () => {
    await client?.close();
    await daemon?.stop();
    await sink?.[Symbol.asyncDispose]();
  });

  function records(): OtlpLogRecord[] {
    return sink.requests
      .filter(({ signal }) => signal === "logs")
      .flatMap(({ signal, data }) => receivedScopes(signal, data))
      .filter(
        ({ resource }) =>
          attributesByKey(resource.attributes)["sandglass.sandbox.id"]?.stringValue === sandbox.id,
      )
      .flatMap(({ items }) => items as OtlpLogRecord[]);
  }

  test("is a span of its own below the request's, with what was wrong", () => {
    const spans = spansAt(sink);
    const failed = records().filter(({ eventName }) => eventName === "file.error");
    const told = failed.map(({ spanId, traceId }) => {
      const span = spans.find((each) => each.spanId === spanId && each.traceId === traceId);
      const parent = spans.find((each) => each.spanId === span?.parentSpanId);
      const { "error.type": error, "sandglass.file.operation": operation } = span?.attributes ?? {};
      return [span?.name, operation?.stringValue, error?.stringValue, parent?.name];
    });
    // Batches may overtake each other.
    assert.deepEqual(told.sort(), [
      ["sandbox.file.delete", "remove", "FILE_NOT_FOUND", "http_request"],
      ["sandbox.file.list", "list", "FILE_NOT_FOUND", "http_request"],
      ["sandbox.file.read", "read", "FILE_NOT_FOUND", "http_request"],
      ["sandbox.file.stat", "stat", "FILE_NOT_FOUND", "http_request"],
      ["sandbox.file.write", "write", "FILE_NOT_FOUND", "http_request"],
    ]);
    const codes = (name: string): unknown[] => statuses(name).map(({ code }) => code);
    assert.deepEqual(codes("sandbox.file.read"), [2]);
    assert.deepEqual(
      statuses("sandbox.file.read")[0]?.message,
      "read /workspace/nowhere: no such file or directory",
    );
    // Whether a file is there is a question, and no is an answer.
    assert.deepEqual(codes("sandbox.file.stat"), [undefined]);
  });

  test("names no span that is not there, and nor does anything else about the sandbox", () => {
    const known = new Map<string, ArrivedSpan>(spansAt(sink).map((span) => [span.spanId, span]));
    const strange = records().filter(({ spanId = "", traceId }) => known.get(spanId)?.traceId !== traceId);
    assert.deepEqual(
      strange.map(({ eventName }) => eventName),
      [],
    );
  });

  function statuses(name: string): { code?: number; message?: string }[] {
    return sink.requests
      .filter(({ signal }) => signal === "traces")
      .flatMap(({ signal, data }) => receivedScopes(signal, data))
      .flatMap(({ items }) => items as { name: string; status?: { code?: number; message?: string } }[])
      .filter((span) => span.name === name)
      .map(({ status = {} }) => status);
  }
});
