import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { callHttp, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { startServing } from "../mcp/mcp-clients.ts";
import { Destinations } from "./destinations.ts";
import { plantInRun, plantInSandbox } from "./plant.ts";
import { plantInMcp } from "./plant-mcp.ts";
import { plantInRequests } from "./plant-requests.ts";
import { PlantedSecrets } from "./planted-secrets.ts";

/**
 * The disks of sandboxes, and the empty one and the files they are made from: what code keeps in there is the sandbox. They go with it.
 */
const isDisk = (path: string): boolean => path.endsWith(".ext4") || path.startsWith("runtime/skeleton/");

describe("with captureContent: false and record: metadata, a secret in anything that an agent or its code says", () => {
  const secrets = new PlantedSecrets();
  const disposables = new AsyncDisposableStack();
  let destinations: Destinations;
  let daemon: TestDaemon;
  let client: Client;
  let runId: string;
  let sandboxes: Sandbox[];
  /** What the MCP server over stdio wrote to stderr. */
  let saidByMcp: string;

  before(async () => {
    destinations = disposables.use(await Destinations.start());
    daemon = disposables.use(
      await startServing({
        args: ["--pool", "python=1"],
        env: {
          SANDGLASS_LOG: "trace",
          SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters: destinations.exporters }),
        },
      }),
    );
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    disposables.defer(() => client.close());
    const thrown = new Error(secrets.of("thrown in a run"));
    const work = client.run({ name: "careful" }, async (run) => {
      runId = run.runId;
      const env = { GIVEN: secrets.of("environment of a sandbox") };
      const network = { egress: { allow: [destinations.reachable] } };
      sandboxes = [await run.sandboxes.create({ template: "python", record: "metadata", env, network })];
      await plantInRun(run, secrets);
      for (const sandbox of sandboxes) {
        await plantInSandbox(sandbox, secrets);
        await plantInRequests(sandbox, secrets, destinations.reachable);
        saidByMcp = await plantInMcp(daemon, sandbox, secrets);
      }
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

  test("is in its exec's output, which can be followed from any line on, and in no file of the data directory, neither then nor afterwards", async () => {
    const of = (place: string): string => secrets.of(place);
    await using sandbox = await client.createSandbox("bash", { record: "metadata" });
    const { execId } = await sandbox.commands.run(
      `echo ${of("first line")}; sleep 0.1; echo ${of("second line")} >&2`,
    );
    const linesAfter = async (after?: number): Promise<(string | number)[]> => {
      const lines: (string | number)[] = [];
      for await (const event of sandbox.execs.stream(execId, after === undefined ? {} : { after })) {
        if (event.type !== "result") lines.push(event.data);
      }
      return lines;
    };
    const [first, second] = [`${of("first line")}\n`, `${of("second line")}\n`];
    assert.deepEqual(
      [await linesAfter(), await linesAfter(0)],
      [
        [first, second, 0],
        [second, 0],
      ],
    );
    assert.deepEqual(secrets.below(daemon.dataDir, isDisk), {});
    await sandbox.terminate();
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
    assert.deepEqual(secrets.in(Buffer.from(`${daemon.logs()}${saidByMcp}`)), []);
    for (const [name, bytes] of Object.entries(await destinations.received())) {
      assert.ok(bytes.includes("exec.completed") || bytes.includes("sandbox.execute"), `${name} was sent to`);
      assert.deepEqual(secrets.in(bytes), [], name);
    }
    assert.match(daemon.logs(), /^\{"id":"evt_/m, "the console exporter's lines are among the log's");
    assert.notEqual((await readdir(join(daemon.dataDir, "dead-letters"))).length, 0);
    assert.deepEqual(secrets.below(daemon.dataDir, isDisk), {});
  });
});
