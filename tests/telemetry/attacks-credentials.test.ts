import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { callHttp, jsonLines, sandboxPids, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { sandboxWithPrograms } from "./attacked-daemon.ts";
import { childrenOf } from "./collector-process.ts";
import { Secrets } from "./secrets.ts";
import { TelemetrySink } from "./telemetry-sink.ts";

/** Where a secret of an owner or of the operator can stand. */
const NAMES = [
  "header",
  "path",
  "password",
  "traces",
  "small",
  "exec",
  "execSmall",
  "template",
  "daemon",
] as const;

describe("the credentials of an owner's endpoint", () => {
  const secrets = new Secrets([...NAMES]);
  /** In the environment like they are, and nothing secret: what looks for them finds this. */
  const planted = new Secrets(["planted"]);
  const disposables = new AsyncDisposableStack();
  let sink: TelemetrySink;
  let daemon: TestDaemon;
  let client: Client;
  let sandbox: Sandbox;
  /** What the endpoint says. */
  let status = 400;
  before(async () => {
    sink = disposables.use(await TelemetrySink.start());
    // Says all it was told, as a page that explains an error may.
    sink.answer = ({ headers, path }) => ({ status, body: `no: ${path} ${JSON.stringify(headers)}` });
    const template = {
      base: "python",
      poolSize: 1,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${sink.url}/${secrets.of("template")}` },
    };
    daemon = disposables.use(
      await startDaemon({
        env: {
          SANDGLASS_TEMPLATES: JSON.stringify({ exporting: template }),
          SANDGLASS_OTEL_EXPORT: JSON.stringify({
            OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
            OTEL_EXPORTER_OTLP_HEADERS: { env: "DAEMON_HEADERS" },
          }),
          DAEMON_HEADERS: `api-key=${secrets.of("daemon")}`,
          SANDGLASS_LOG: "trace",
        },
      }),
    );
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    disposables.defer(() => client.close());
    sandbox = await sandboxWithPrograms(client, {
      ...{ otelExport: true, instrument: true, logs: true, memoryMb: 512 },
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${secrets.of("password")}@127.0.0.1:${sink.server.port}/${secrets.of("path")}`,
        OTEL_EXPORTER_OTLP_HEADERS: `api-key=${secrets.of("header")}`,
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: `api-key=${secrets.of("traces")}`,
        otel_exporter_otlp_headers: `api-key=${secrets.of("small")}`,
        PLANTED: planted.of("planted"),
      },
    });
  });
  after(() => disposables.disposeAsync());

  /** Of one exec. It has no more to say than what the sandbox was created with. */
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: `api-key=${secrets.of("exec")}`,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `http://127.0.0.1:1/${secrets.of("exec")}`,
    Otel_Exporter_Otlp_Headers: secrets.of("execSmall"),
  };
  const pieces = [...secrets.pieces, ...planted.pieces];
  const CONTROL = String(NAMES.length);

  /** Only what was planted was found, and in all kinds of places that there are. */
  function expectPlantedOnly(
    stdout: string,
    places = ["environment", "/proc/self/environ", "/proc/self/mem"],
  ): void {
    const { found, looked } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    assert.deepEqual(Object.keys(found), [CONTROL], JSON.stringify(found));
    for (const kind of [
      "own environment",
      "environ",
      "cmdline",
      "memory",
      "files",
      "names",
      "links",
      "kernel",
    ])
      assert.ok(looked[kind] > 0, `${kind} was not looked at`);
    for (const place of places) assert.ok(found[CONTROL].includes(place), `${place} was not looked at`);
  }

  test("are nowhere that a command can look: environment, processes, memory, files", async () => {
    for (const options of [{}, { env }]) {
      const { stdout, stderr } = await sandbox.commands.run(["python3", "search.py", ...pieces], options);
      assert.equal(stderr, "");
      expectPlantedOnly(stdout);
    }
  });

  test("are nowhere that a cell, or a process that it starts, can look", async () => {
    for (const options of [{}, { env }]) {
      const cell = `from search import search\nsearch(${JSON.stringify(pieces)})`;
      // A cell's variables come after its interpreter began.
      expectPlantedOnly((await sandbox.runCode(cell, options)).stdout, ["environment", "/proc/self/mem"]);
      const child = `import subprocess; print(subprocess.run(["python3", "search.py", *${JSON.stringify(pieces)}], capture_output=True, text=True).stdout)`;
      expectPlantedOnly((await sandbox.runCode(child, options)).stdout);
    }
    for (const language of ["bash", "javascript"] as const) {
      const code = language === "bash" ? "env" : "console.log(JSON.stringify(process.env))";
      const { stdout } = await sandbox.runCode(code, { language, env });
      assert.deepEqual([...secrets.in(stdout), ...planted.in(stdout)], ["planted"]);
    }
  });

  test("of the operator, for a template or for all, are not inside either", async () => {
    for (const template of ["exporting", "python"]) {
      await using other = await sandboxWithPrograms(client, {
        template,
        env: { PLANTED: planted.of("planted") },
      });
      expectPlantedOnly((await other.commands.run(["python3", "search.py", ...pieces])).stdout);
    }
  });

  test("are in no answer of the collector", async () => {
    const { stdout, exitCode } = await sandbox.commands.run(["python3", "answers.py"]);
    assert.equal(exitCode, 0);
    for (const status of [200, 400, 403, 404, 405, 413, 415])
      assert.ok(stdout.includes(`HTTP/1.1 ${status}`), `${status}`);
    assert.deepEqual(secrets.in(stdout), []);
  });

  test("are in no answer of the API to a request that is wrong", async () => {
    const wrong: Record<string, unknown>[] = [
      { OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://${secrets.of("path")}` },
      { OTEL_EXPORTER_OTLP_ENDPOINT: secrets.of("path") },
      { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_HEADERS: secrets.of("header") },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_EXPORTER_OTLP_HEADERS: `a=${secrets.of("header")}\nx: y`,
      },
      { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_TIMEOUT: secrets.of("header") },
      { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_PROTOCOL: secrets.of("header") },
      { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_COMPRESSION: secrets.of("header") },
      { OTEL_EXPORTER_OTLP_HEADERS: [secrets.of("header")] },
      { OTEL_EXPORTER_OTLP_HEADERS: `\0${secrets.of("header")}` },
      { OTEL_EXPORTER_OTLP_HEADERS: secrets.of("header").repeat(10_000) },
    ];
    for (const each of wrong) {
      const answer = await callHttp(daemon, "POST /v1/sandboxes", { json: { otelExport: true, env: each } });
      assert.equal(answer.status, 400, JSON.stringify(each));
      assert.deepEqual(secrets.in(answer.text), [], answer.text);
    }
    const cut = `{"otelExport":true,"env":{"OTEL_EXPORTER_OTLP_HEADERS":"api-key=${secrets.of("header")}`;
    const answer = await callHttp(daemon, "POST /v1/sandboxes", {
      body: cut,
      headers: { "content-type": "application/json" },
    });
    assert.equal(answer.status, 400);
    assert.deepEqual(secrets.in(answer.text), []);
  });

  test("are in nothing that the daemon says or keeps but its own store, also where the endpoint repeats them", async () => {
    const key = { "idempotency-key": "one" };
    const body = {
      template: "python",
      otelExport: true,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_EXPORTER_OTLP_HEADERS: `api-key=${secrets.of("header")}`,
      },
    };
    const made = await callHttp(daemon, "POST /v1/sandboxes", { json: body, headers: key });
    assert.equal(made.status, 201);
    await until("something was given up", async () => {
      const { text } = await callHttp(daemon, "GET /metrics");
      return /^sandglass_forward_dropped_requests_total\{reason="rejected"\} [1-9]/m.test(text);
    });
    status = 401;
    await sandbox.commands.run(["python3", "answers.py"]);
    await until("it is said that the endpoint lets nothing in", async () =>
      jsonLines((await callHttp(daemon, "GET /v1/events?types=exporter.stalled")).text).some(({ data }) =>
        data.exporter.startsWith("otel-export."),
      ),
    );
    const lines = [
      "GET /v1/sandboxes",
      `GET /v1/sandboxes/${sandbox.id}`,
      `GET /v1/sandboxes/${sandbox.id}/execs`,
      "GET /v1/events",
      "GET /v1/exporters",
      "GET /metrics",
      "GET /readyz",
      "GET /healthz",
      "GET /status",
    ];
    for (const line of lines) assert.deepEqual(secrets.in((await callHttp(daemon, line)).text), [], line);
    assert.deepEqual(secrets.in(made.text), []);
    assert.deepEqual(secrets.in(daemon.logs()), []);
    const insiders = [...sandboxPids(sandbox.id), ...childrenOf(daemon.pid)];
    assert.ok(insiders.length >= 3);
    assert.deepEqual(secrets.processes(insiders), []);
    assert.ok(readdirSync(join(daemon.dataDir, "dead-letters")).length > 0);
    for (const [path, found] of Object.entries(secrets.filesBelow(daemon.dataDir))) {
      assert.match(path, /^otel-destinations\/dst_[0-9a-f]{32}\.json$/, `${path}: ${found}`);
      const { mode } = statSync(join(daemon.dataDir, path));
      assert.equal(mode & 0o777, 0o600, path);
    }
    assert.equal(statSync(join(daemon.dataDir, "otel-destinations")).mode & 0o777, 0o700);
  });

  test("are what its endpoint gets, and nobody else's are", async () => {
    sink.answer = () => undefined;
    const own = `api-key=${secrets.of("header")}`;
    const options = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_HEADERS: own };
    await using other = await sandboxWithPrograms(client, {
      otelExport: true,
      env: { ...options, OTEL_EXPORTER_OTLP_TIMEOUT: "5000" },
    });
    await other.commands.run(["python3", "answers.py"], { env });
    await until("what it sent is there", () => sink.namesOf(other.id).has("answers"));
    const keys = new Set(sink.headers.map((headers) => String(headers["api-key"])));
    assert.ok(keys.has(secrets.of("header")));
    for (const name of ["small", "exec", "execSmall"] as const) assert.ok(!keys.has(secrets.of(name)), name);
  });
});
