import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExecResult, RunCodeOptions, Sandbox } from "sandglass";
import { type ArrivedLog, LoggingDaemon, logsAt } from "./logging-daemon.ts";
import { spansAt } from "./span-tree.ts";

const ERROR = 17;

describe("what a cell raises and does not catch", () => {
  let world: LoggingDaemon;
  let sandbox: Sandbox;
  before(async () => {
    world = await LoggingDaemon.start();
    sandbox = await world.client.createSandbox("python");
  });
  after(() => world?.[Symbol.asyncDispose]());

  function exceptionsOf(execId: string): ArrivedLog[] {
    return logsAt(world.sink).filter(
      ({ eventName, attributes }) =>
        eventName === "exec.exception" && attributes["sandglass.exec.id"] === execId,
    );
  }

  /** Runs a cell that fails, and checks that this is told where it belongs. */
  async function raised(
    code: string,
    options: RunCodeOptions = {},
  ): Promise<{ ran: ExecResult; type: unknown; message: unknown; stacktrace: unknown }> {
    const ran = await sandbox.runCode(code, options);
    assert.equal(ran.exitCode, 1, ran.stderr);
    await world.delivered();
    const [record, ...more] = exceptionsOf(ran.execId) as [ArrivedLog];
    assert.equal(more.length, 0);
    const span = spansAt(world.sink).find(
      ({ attributes }) => attributes["sandglass.exec.id"]?.stringValue === ran.execId,
    );
    assert.deepEqual([record.traceId, record.spanId], [ran.traceId, span?.spanId]);
    assert.equal(record.severityNumber, ERROR);
    assert.equal(record.resource["sandglass.sandbox.id"], sandbox.id);
    const { attributes } = record;
    assert.equal(span?.attributes["error.type"]?.stringValue, attributes["exception.type"]);
    const said = ["type", "message", "stacktrace"].map((name) => attributes[`exception.${name}`]);
    return { ran, type: said[0], message: said[1], stacktrace: said[2] };
  }

  const python: [why: string, code: string, type: string, message: string | RegExp][] = [
    ["of the language", "1/0", "ZeroDivisionError", "division by zero"],
    [
      "of a library",
      "import json\njson.loads('{')",
      "json.decoder.JSONDecodeError",
      /^Expecting property name/,
    ],
    ["of its own", "class Oops(Exception): pass\nraise Oops('é')", "__main__.Oops", "é"],
    ["of the parser", "x = = 1", "SyntaxError", /^invalid syntax/],
    ["in what it awaits", "async def f():\n  raise KeyError('k')\nawait f()", "KeyError", "'k'"],
    ["without a word", "raise ValueError", "ValueError", ""],
  ];
  for (const [why, code, type, message] of python) {
    test(`is told with the traceback as Python shows it: an exception ${why}`, async () => {
      const said = await raised(code);
      assert.equal(said.type, type);
      if (message instanceof RegExp) assert.match(String(said.message), message);
      else assert.equal(said.message ?? "", message);
      assert.equal(said.stacktrace, said.ran.stderr);
      assert.ok(!said.ran.stderr.includes("repl.py"), said.ran.stderr);
    });
  }

  test("brings along what it was raised from", async () => {
    const code =
      "try:\n  int('x')\nexcept ValueError as error:\n  raise RuntimeError('no number') from error";
    const { type, message, stacktrace } = await raised(code);
    assert.deepEqual([type, message], ["RuntimeError", "no number"]);
    assert.match(
      String(stacktrace),
      /^Traceback.+ValueError: invalid literal.+direct cause of the following exception.+RuntimeError: no number\n$/s,
    );
  });

  test("is cut in the middle where it is long, and whole on stderr", async () => {
    const { message, stacktrace, ran } = await raised("raise ValueError('é' * 50_000 + ' the end')");
    for (const [text, most] of [
      [String(message), 15 * 1024],
      [String(stacktrace), 48 * 1024],
    ] as const) {
      assert.ok(Buffer.byteLength(text) <= most && Buffer.byteLength(text) > most - 16, `${text.length}`);
      assert.match(text, /é…é+ the end\n?$/);
    }
    assert.ok(ran.stderr.length > 50_000);
  });

  const javascript: [why: string, code: string, type: string, message: string, stack: boolean][] = [
    ["an error", "throw new Error('no')", "Error", "no", true],
    ["one of the language", "null.x", "TypeError", "Cannot read properties of null (reading 'x')", true],
    ["one of its own", "class Oops extends Error {}\nthrow new Oops('é')", "Oops", "é", true],
    ["a promise that was rejected", "Promise.reject(new RangeError('r'))", "RangeError", "r", true],
    ["one in what it awaits", "await Promise.reject(new Error('a'))", "Error", "a", true],
    ["one of the parser", "let x = ;", "SyntaxError", "Unexpected token ';'", true],
    ["what is no error", "throw { a: 1 }", "Object", "{ a: 1 }", false],
    ["a text", "throw 'oops'", "String", "oops", false],
    ["null", "throw null", "Error", "null was thrown", true],
    [
      "what cannot be looked at",
      "throw Object.defineProperty(new Error('s'), 'stack', { get() { throw 1 } })",
      "Error",
      "s",
      true,
    ],
  ];
  for (const [why, code, type, message, hasStack] of javascript) {
    test(`is told as JavaScript has it: ${why}`, async () => {
      const said = await raised(code, { language: "javascript" });
      assert.deepEqual([said.type, said.message], [type, message]);
      assert.equal(said.stacktrace, hasStack ? said.ran.stderr.trimEnd() : undefined);
    });
  }

  const nothing: [why: string, code: string, options: RunCodeOptions, exitCode: number][] = [
    ["a cell that exits", "exit(3)", {}, 3],
    ["one that exits with words", "exit('bye')", {}, 1],
    ["one that is interrupted", "while True: pass", { timeoutMs: 100 }, 130],
    ["one that catches what it raises", "try:\n  1/0\nexcept ZeroDivisionError: pass", {}, 0],
    ["one of JavaScript that exits", "process.exit(4)", { language: "javascript" }, 4],
    ["one of bash that fails", "false", { language: "bash" }, 1],
  ];
  for (const [why, code, options, exitCode] of nothing) {
    test(`is nothing of ${why}`, async () => {
      const ran = await sandbox.runCode(code, options);
      assert.equal(ran.exitCode, exitCode);
      await world.delivered();
      assert.deepEqual(exceptionsOf(ran.execId), []);
    });
  }

  test("is its type alone where nothing of the content is recorded", async () => {
    await using discreet = await world.client.sandboxes.create({ template: "python", record: "metadata" });
    const { execId } = await discreet.runCode("raise ValueError('secret-4711')");
    await world.delivered();
    const [record] = exceptionsOf(execId);
    assert.deepEqual([record?.attributes["exception.type"], record?.body], ["ValueError", "ValueError"]);
    assert.ok(!JSON.stringify(world.sink.requests).includes("secret-4711"));
  });
});
