import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "@sandglass/testkit";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import { type ArrivedLog, LoggingDaemon, linesOf, logsAt } from "./logging-daemon.ts";
import { spansAt } from "./span-tree.ts";

/** Number of a warning. */
const WARN = 13;
const FLOOD_BYTES = 50_000_000;

describe("lines of output as log records", () => {
  let world: LoggingDaemon;
  before(async () => {
    world = await LoggingDaemon.start({ noisy: { base: "bash", logs: true } });
  });
  after(() => world?.[Symbol.asyncDispose]());

  /** What an exec wrote, by stream, when all of it has arrived. */
  async function arrived(execId: string): Promise<ArrivedLog[]> {
    await world.delivered();
    return linesOf(world.sink, execId);
  }
  const bodies = (lines: readonly ArrivedLog[], stream: "stdout" | "stderr"): string[] =>
    lines.filter(({ attributes }) => attributes["log.iostream"] === stream).map(({ body }) => body);

  test("are on the spans of their execs, also of two that run at the same time", async () => {
    const runId = "run_lines";
    await using sandbox = await world.client.sandboxes.create({ template: "bash", logs: true, runId });
    const speak = (name: string, other: string): string =>
      `for n in 1 2 3; do echo "${name} out $n"; echo "${name} err $n" >&2; touch ${name}$n; until [ -e ${other}$n ]; do sleep 0.01; done; done`;
    const execs = await Promise.all([
      sandbox.commands.run(speak("a", "b")),
      sandbox.commands.run(speak("b", "a")),
    ]);
    const spans = new Set<string>();
    for (const [index, name] of ["a", "b"].entries()) {
      const { execId, traceId } = execs[index]!;
      const lines = await arrived(execId);
      assert.deepEqual(
        bodies(lines, "stdout"),
        [1, 2, 3].map((n) => `${name} out ${n}`),
      );
      assert.deepEqual(
        bodies(lines, "stderr"),
        [1, 2, 3].map((n) => `${name} err ${n}`),
      );
      const { spanId = "" } =
        spansAt(world.sink).find(
          ({ attributes }) => attributes["sandglass.exec.id"]?.stringValue === execId,
        ) ?? {};
      spans.add(spanId);
      for (const line of lines) {
        assert.deepEqual([line.traceId, line.spanId, line.flags & 1], [traceId, spanId, 1]);
        assert.deepEqual(Object.keys(line.attributes).sort(), ["log.iostream", "sandglass.exec.id"]);
        assert.deepEqual(line.resource, {
          "service.name": "bash",
          "sandglass.sandbox.id": sandbox.id,
          "sandglass.org.id": "default",
          "sandglass.template.id": "bash",
          "sandglass.run.id": runId,
          "service.instance.id": sandbox.id,
          "container.id": sandbox.id,
        });
      }
      const times = lines.map(({ timeUnixNano }) => timeUnixNano);
      assert.deepEqual(times, [...new Set(times)].sort(), "each is later than the one before");
    }
    assert.equal(spans.size, 2);
  });

  test("are cut at \\n and \\r\\n, decoded across pieces, and else as they were written", async () => {
    await using sandbox = await world.client.createSandbox("noisy");
    const { execId } = await sandbox.commands.run(
      String.raw`printf 'one\r\n\ntw\xc3'; sleep 0.05; printf '\xb6\r'; sleep 0.05; printf '\n\x00\x1b[31mred\x1b[0m\t"\\\n\xff\xe2\x82\nlast without an end'; printf 'oops' >&2`,
    );
    const lines = await arrived(execId);
    assert.deepEqual(bodies(lines, "stdout"), [
      "one",
      "",
      "twö",
      '\u0000\u001b[31mred\u001b[0m\t"\\',
      "\ufffd\ufffd",
      "last without an end",
    ]);
    assert.deepEqual(bodies(lines, "stderr"), ["oops"]);
  });

  test("of cells are those of each cell, under the name that the sandbox gives its programs", async () => {
    const env = { OTEL_SERVICE_NAME: "analyst" };
    await using sandbox = await world.client.sandboxes.create({ template: "python", logs: true, env });
    const [first, second] = [await sandbox.runCode("print('first', end='')"), await sandbox.runCode("1/0")];
    assert.deepEqual(bodies(await arrived(first.execId), "stdout"), ["first"]);
    const lines = await arrived(second.execId);
    assert.deepEqual(bodies(lines, "stderr"), second.stderr.trimEnd().split("\n"));
    assert.equal(lines[0]?.resource["service.name"], "analyst");
  });

  test("say that they are cut where they are long", async () => {
    await using sandbox = await world.client.createSandbox("noisy");
    const { execId } = await sandbox.commands.run("head -c 100000 /dev/zero | tr '\\0' x; echo; echo short");
    const [long, short] = await arrived(execId);
    assert.equal(long?.body, "x".repeat(8192));
    assert.equal(long?.attributes["sandglass.log.truncated"], true);
    assert.equal(long?.attributes["sandglass.log.bytes"], 100_000);
    assert.equal(short?.body, "short");
    assert.equal(short?.attributes["sandglass.log.truncated"], undefined);
  });

  test("of a flood are some, the others are counted, and its stream is whole", async () => {
    await using sandbox = await world.client.createSandbox("noisy");
    const { execId, stdout, exitCode, durationMs } = await sandbox.commands.run(
      `yes | head -c ${FLOOD_BYTES}`,
    );
    assert.deepEqual([exitCode, stdout.length], [0, FLOOD_BYTES]);
    const records = await arrived(execId);
    const told = bodies(records, "stdout");
    assert.ok(told.every((line) => line === "y"));
    const mostSeconds = 2 + durationMs / 1000 + 1;
    assert.ok(
      told.length >= 2_000 && told.length <= 1_000 * mostSeconds,
      `${told.length} lines in ${durationMs} ms`,
    );
    const warnings = records.filter(({ severityNumber }) => severityNumber === WARN);
    const counted = (name: string): number =>
      warnings.reduce(
        (sum, { attributes }) => sum + (attributes[`sandglass.log.left_out.${name}`] as number),
        0,
      );
    assert.equal(told.length + counted("lines"), FLOOD_BYTES / 2);
    assert.equal(2 * told.length + counted("bytes"), FLOOD_BYTES);
    for (const { body } of warnings) assert.match(body, /^\d+ lines \(\d+ bytes\) left out$/);
  });

  test("go to the owner's endpoint as well, and the last of them before the sandbox has ended", async () => {
    await using theirs = await OtlpSink.start();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: theirs.url };
    const sandbox = await world.client.sandboxes.create({ template: "noisy", env });
    const running = sandbox.commands.run("echo begun; printf 'under way'; sleep 1000");
    await until("it has begun", () =>
      logsAt(world.sink).some(
        ({ body, resource }) => body === "begun" && resource["sandglass.sandbox.id"] === sandbox.id,
      ),
    );
    await sandbox.terminate();
    const { execId } = await running;
    for (const sink of [world.sink, theirs]) {
      const lines = await until("both lines are there", () => {
        const found = linesOf(sink, execId);
        return found.length >= 2 && found;
      });
      assert.deepEqual(bodies(lines, "stdout"), ["begun", "under way"]);
    }
  });

  test("are not there unless they are asked for, and are refused where nothing of the output is to be recorded", async () => {
    await using sandbox = await world.client.sandboxes.create({ template: "noisy", logs: false });
    const { execId } = await sandbox.commands.run("echo quiet");
    assert.deepEqual(await arrived(execId), []);
    await using discreet = await world.client.sandboxes.create({ template: "noisy", record: "metadata" });
    assert.equal((await discreet.info()).logs, false);
    await assert.rejects(world.client.sandboxes.create({ logs: true, record: "metadata" }), {
      code: "INVALID_REQUEST",
      message: /logs/,
    });
  });
});
