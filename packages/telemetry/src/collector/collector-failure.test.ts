import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { selfSignedCertificate, until } from "@sandglass/testkit";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import { DurableLog } from "../log/durable-log.ts";
import { temporaryDirectory } from "../log/testing/test-log.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import { collectorPids, LoopbackSandbox, openTestCollector, ownerOf } from "./testing/test-collector.ts";

const BY_CONFIGURATION = { origin: "config", isTrusted: true } as const;

test("a process whose daemon goes while it waits for its log holds nothing afterwards", async (t) => {
  const dataDir = temporaryDirectory(t);
  const log = await DurableLog.open({ dir: join(dataDir, "telemetry"), holdsForeignBytes: true });
  const child = fork(new URL("./collector-main.ts", import.meta.url), [], { serialization: "advanced" });
  await once(child, "spawn");
  const settings = { dataDir, durability: "process", maxBytes: 1e7, limits: {}, env: {}, cwd: dataDir };
  const rest = { ownOrigins: [], retry: {}, derive: { captureContent: false, prices: {} } };
  child.send({ kind: "start", call: 1, settings: { ...settings, ...rest } });
  // Its answer would come once it has the log; until then nothing says that it has begun to wait but the answer to another call.
  child.send({ kind: "ping" });
  await once(child, "message");
  child.disconnect();
  await log.close();
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(typeof code, "number");
  const next = await DurableLog.open({ dir: join(dataDir, "telemetry"), holdsForeignBytes: true });
  await next.close();
});

test("an exporter that cannot be started any more is told of, and keeps nobody from being served", async (t) => {
  await using sink = await OtlpSink.start();
  const { collector, dataDir, problems } = await openTestCollector(t);
  const ca = join(dataDir, "ca.pem");
  writeFileSync(ca, selfSignedCertificate().cert);
  const broken = { provider: "otel", config: { endpoint: "https://127.0.0.1:1", tls: { ca } } };
  const works = { provider: "otel", config: { endpoint: sink.url } };
  await collector.relay([
    { id: "broken", options: broken, owner: BY_CONFIGURATION },
    { id: "works", options: works, owner: BY_CONFIGURATION },
  ]);
  rmSync(ca);
  for (const pid of collectorPids()) process.kill(pid, "SIGKILL");
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  await collector.claim(sandboxId, ownerOf());
  assert.equal(await sendSpan(sandbox.url, spanRequest("still here")), 200);
  await until("it arrives", () => spansOf(sink.requests).some(({ name }) => name === "still here"));
  const info = await until("the other is told of", () =>
    collector.snapshot().relays.find(({ id, state }) => id === "broken" && state === "disabled"),
  );
  assert.match(info.lastError?.message ?? "", /could not be started/);
  assert.match(problems.join("\n"), /not passed on to the exporter broken/);
});

test("what is asked while a process is being started waits for it", async (t) => {
  const { collector } = await openTestCollector(t);
  const sandboxes = Array.from({ length: 8 }, () => ({ id: newSandboxId(), sandbox: new LoopbackSandbox() }));
  await Promise.all(sandboxes.map(({ id, sandbox }) => collector.attach(id, sandbox.open)));
  for (const pid of collectorPids()) process.kill(pid, "SIGKILL");
  await Promise.all(sandboxes.map(({ id }) => collector.claim(id, ownerOf())));
  for (const { sandbox } of sandboxes) assert.equal(await sendSpan(sandbox.url, spanRequest("x")), 200);
  for (const pid of collectorPids()) process.kill(pid, "SIGKILL");
  await Promise.all(sandboxes.map(({ id }) => collector.detach(id)));
});

test("a process that hangs does not keep anybody from ending", async (t) => {
  const { collector, close } = await openTestCollector(t);
  const [pid] = collectorPids();
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGSTOP");
  await collector.relay([]);
  await close(200);
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});
