import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { callHttp, FaultyServer, startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { plantInRun, plantInSandbox } from "./plant.ts";
import { PlantedSecrets } from "./planted-secrets.ts";

/**
 * The disks of sandboxes, and the empty one and the files they are made from: what code keeps in there is the sandbox. They go with it.
 */
const isDisk = (path: string): boolean => path.endsWith(".ext4") || path.startsWith("runtime/skeleton/");

describe("with captureContent: false and record: metadata, a secret in anything that an agent or its code says", () => {
  const secrets = new PlantedSecrets();
  const disposables = new AsyncDisposableStack();
  /** All that destinations were sent. */
  const sent: Buffer[] = [];
  let files: string;
  let daemon: TestDaemon;
  let client: Client;
  let runId: string;
  let sandboxes: Sandbox[];

  before(async () => {
    files = await mkdtemp(join(tmpdir(), "sandglass-no-trace-"));
    disposables.defer(() => rm(files, { recursive: true, force: true }));
    const sink = disposables.use(
      await FaultyServer.start(({ path, headers, body }) => {
        sent.push(Buffer.from(`${path} ${JSON.stringify(headers)}`), body);
        return { status: 200 };
      }),
    );
    const exporters = [
      {
        provider: "jsonl",
        config: { filePath: join(files, "events.jsonl"), rotateSizeBytes: 20_000, gzip: true },
      },
      { provider: "otel", config: { endpoint: sink.url } },
      {
        provider: "webhook",
        config: { url: `${sink.url}/hook`, secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}` },
      },
    ];
    daemon = disposables.use(
      await startDaemon({
        args: ["--pool", "python=1"],
        env: { SANDGLASS_LOG: "trace", SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters }) },
      }),
    );
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    disposables.defer(() => client.close());
    const thrown = new Error(secrets.of("thrown in a run"));
    const work = client.run({ name: "careful" }, async (run) => {
      runId = run.runId;
      const env = { GIVEN: secrets.of("environment of a sandbox") };
      sandboxes = [await run.sandboxes.create({ template: "python", record: "metadata", env })];
      await plantInRun(run, secrets);
      for (const sandbox of sandboxes) await plantInSandbox(sandbox, secrets);
      throw thrown;
    });
    await assert.rejects(work, thrown);
  });
  after(() => disposables.disposeAsync());

  test("is found by this search, wherever it is and in whatever form", () => {
    const [place = ""] = secrets.places;
    const secret = secrets.of(place);
    const forms = [
      ...["utf8", "utf16le"].map((encoding) => Buffer.from(`.${secret}.`, encoding as BufferEncoding)),
      ...["", "a", "ab"].map((front) => Buffer.from(Buffer.from(`${front}${secret}..`).toString("base64"))),
      Buffer.from(Buffer.from(secret).toString("hex")),
      Buffer.concat([Buffer.from("in front"), gzipSync(gzipSync(`.${secret}.`))]),
    ];
    for (const [index, form] of forms.entries()) assert.deepEqual(secrets.in(form), [place], `${index}`);
    assert.deepEqual(secrets.in(Buffer.from("nothing of the kind")), []);
  });

  test("is nowhere in the data directory while its sandbox lives", () => {
    assert.deepEqual(secrets.below(daemon.dataDir, isDisk), {});
  });

  test("is in no answer about the run, its sandboxes, its events, its traces, or the daemon", async () => {
    const { traceId } = await client.runs.get(runId);
    const [{ id } = { id: "" }] = sandboxes;
    const asked = [
      ...["/v1/runs", `/v1/runs/${runId}`, "/v1/events", "/v1/traces", `/v1/traces/${traceId}`, "/v1/logs"],
      ...["/v1/sandboxes", `/v1/sandboxes/${id}`, `/v1/sandboxes/${id}/execs`, "/metrics", "/v1/exporters"],
    ];
    for (const path of asked) {
      const { text, status } = await callHttp(daemon, `GET ${path}`);
      assert.equal(status, 200, path);
      assert.deepEqual(secrets.in(Buffer.from(text)), [], path);
    }
  });

  test("is in no line of the daemon's log, no file and no destination, nor anywhere in the data directory when all has ended", async () => {
    const [sandbox] = sandboxes;
    await sandbox?.terminate();
    await client.exporters.flush();
    process.kill(daemon.pid, "SIGTERM");
    await daemon.exited;
    assert.deepEqual(secrets.in(Buffer.from(daemon.logs())), []);
    assert.deepEqual(secrets.below(files), {});
    assert.ok(sent.length > 10);
    assert.deepEqual(secrets.in(Buffer.concat(sent)), []);
    assert.deepEqual(secrets.below(daemon.dataDir, isDisk), {});
  });
});
