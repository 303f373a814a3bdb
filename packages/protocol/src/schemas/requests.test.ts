import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type * as z from "zod";
import { SandglassError } from "../errors.ts";
import {
  AddRunEventsRequest,
  CreateKeyRequest,
  CreateSandboxRequest,
  ExecRequest,
  KillRequest,
  MakeDirectoryRequest,
  parseRequest,
  StartRunRequest,
} from "./index.ts";

const long = (bytes: number) => "x".repeat(bytes);
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
const toolCall = { type: "agent.tool_call", data: { toolName: "run_code", toolCallId: "call_1" } };

type Case = [schema: z.ZodType, value: unknown, message: RegExp];

function refuse(why: string, [schema, value, message]: Case): void {
  test(`refuses ${why}`, () => {
    assert.throws(
      () => parseRequest(schema, value),
      (error) => {
        assert.ok(error instanceof SandglassError);
        assert.equal(error.code, "INVALID_REQUEST");
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

function accept(why: string, schema: z.ZodType, value: unknown): void {
  test(`accepts ${why}`, () => assert.deepEqual(parseRequest(schema, value), value));
}

describe("creating a sandbox", () => {
  accept("nothing", CreateSandboxRequest, {});
  test("accepts no body at all", () => assert.deepEqual(parseRequest(CreateSandboxRequest, undefined), {}));
  accept("every limit at its least", CreateSandboxRequest, {
    vcpu: 0.05,
    memoryMb: 16,
    diskMb: 8,
    maxPids: 4,
    maxOutputBytes: 1,
    timeoutMs: 0,
    idleTimeoutMs: 0,
  });
  accept("every limit at its most", CreateSandboxRequest, {
    vcpu: 1024,
    memoryMb: 1_048_576,
    diskMb: 1_048_576,
    maxPids: 1_000_000,
    timeoutMs: 2_592_000_000,
    metadata: many(64),
    env: { A: long(100_000), B: long(100_000) },
  });
  accept("a framework's run id", CreateSandboxRequest, { runId: "run_8f0e-LangGraph_7" });

  const refused: Record<string, [value: unknown, message: RegExp]> = {
    "too little memory": [{ memoryMb: 8 }, /^memoryMb must be between 16 and 1048576 MiB, not 8: /],
    "too much memory": [{ memoryMb: 2e6 }, /^memoryMb must be between 16 and 1048576 MiB, not 2000000/],
    "memory in fractions": [{ memoryMb: 16.5 }, /^memoryMb must be a whole number/],
    "memory as text": [{ memoryMb: "512" }, /^memoryMb must be a number, not a string$/],
    "no CPU": [{ vcpu: 0 }, /^vcpu must be between 0\.05 and 1024 virtual CPUs, not 0/],
    "a negative time": [
      { timeoutMs: -1 },
      /^timeoutMs must be between 0 and 2592000000 milliseconds \(30 days\), not -1/,
    ],
    "31 days": [{ timeoutMs: 2_678_400_000 }, /choose less, or 0 for an unlimited lifetime/],
    "a misspelt field": [{ memoryMB: 512 }, /^unknown field "memoryMB"; did you mean "memoryMb"\?$/],
    "a field from nowhere": [{ colour: "red" }, /^unknown field "colour"; it takes template, vcpu, /],
    "a misspelt choice": [
      { onIdle: "paus" },
      /^onIdle must be one of pause, terminate, not "paus"; did you mean "pause"\?$/,
    ],
    "a path as template": [{ template: "../etc" }, /^template must be a template's name/],
    "a name that is no variable": [{ env: { "A-B": "1" } }, /^env\.A-B is no variable's name/],
    "a NUL in a variable": [{ env: { A: "x\0y" } }, /^env\.A must not contain a NUL character/],
    "a variable that is no text": [{ env: { A: 1 } }, /^env\.A must be a string, not 1$/],
    "a variable longer than the kernel takes": [
      { env: { A: long(131_072) } },
      /^env\.A must be at most 128 KiB/,
    ],
    "too much environment": [
      { env: { A: long(120_000), B: long(120_000), C: long(120_000) } },
      /^env must be at most 256 KiB in total, not 352 KiB/,
    ],
    "65 pairs of metadata": [{ metadata: many(65) }, /^metadata must have at most 64 pairs, not 65/],
    "metadata of more than 1 KiB": [
      { metadata: { note: "ü".repeat(512) } },
      /^metadata\.note must be at most 1 KiB/,
    ],
    "a run id of another form": [{ runId: "abc" }, /^runId must be "run_" and 1 to 64/],
    "an array": [[], /^the request must be an object, not an array$/],
    null: [{ env: null }, /^env must be an object, not null$/],
  };
  for (const [why, [value, message]] of Object.entries(refused))
    refuse(why, [CreateSandboxRequest, value, message]);

  test("several problems are said together, the first three in words", () => {
    assert.throws(
      () => parseRequest(CreateSandboxRequest, { vcpu: 0, memoryMb: 1, diskMb: 1, maxPids: 1, record: "x" }),
      {
        message: /^vcpu must .*; memoryMb must .*; diskMb must .*; and 2 more$/,
      },
    );
  });

  test("a refused value of the environment is not repeated in the message", () => {
    const secret = "hunter2\0";
    assert.throws(
      () => parseRequest(CreateSandboxRequest, { env: { TOKEN: secret } }),
      (error) => error instanceof SandglassError && !`${error.message}${error.hint}`.includes("hunter2"),
    );
  });
});

describe("running something", () => {
  accept("code", ExecRequest, {
    code: "print(1)",
    language: "python",
    contextId: "a.b-c_1",
    timeoutMs: 1000,
  });
  accept("empty code", ExecRequest, { code: "" });
  accept("a shell line", ExecRequest, { command: "ls | wc", cwd: "/workspace", env: { A: "1" }, stdin: "x" });
  accept("arguments, empty ones among them", ExecRequest, { argv: ["printf", "%s", ""] });
  accept("8 MiB of code", ExecRequest, { code: long(8 * 1024 * 1024) });

  const refused: Record<string, [value: unknown, message: RegExp]> = {
    nothing: [{}, /^the request must say what to run: one of code, command, argv$/],
    "two at once": [
      { code: "1", command: "ls" },
      /must have one of code, command, argv, not code and command/,
    ],
    "no arguments": [{ argv: [] }, /^argv must name a program first/],
    "an empty program": [{ argv: ["", "x"] }, /must name a program in argv\[0\]/],
    "an empty line": [{ command: "" }, /^command must not be empty/],
    "a NUL in an argument": [{ argv: ["ls", "a\0b"] }, /^argv\[1\] must not contain a NUL character/],
    "a NUL in a line": [{ command: "a\0b" }, /^command must not contain a NUL/],
    "a NUL in the directory": [{ command: "ls", cwd: "/a\0" }, /^cwd must not contain a NUL/],
    "more than 8 MiB of code": [
      { code: long(8 * 1024 * 1024 + 1) },
      /^code must be at most 8 MiB: put more into a file/,
    ],
    "8 MiB of characters that are more bytes": [
      { code: "ü".repeat(5 * 1024 * 1024) },
      /^code must be at most 8 MiB/,
    ],
    "an argument longer than the kernel takes": [
      { argv: ["echo", long(131_072)] },
      /^argv\[1\] must be at most 128 KiB/,
    ],
    "stdin of a cell": [{ code: "1", stdin: "x" }, /must not have stdin with code/],
    "a context of a command": [{ command: "ls", contextId: "a" }, /must not have contextId with command/],
    "a language of arguments": [{ argv: ["ls"], language: "bash" }, /must not have language with argv/],
    "an unknown language": [{ code: "1", language: "pyton" }, /did you mean "python"\?/],
    "a context with a slash": [{ code: "1", contextId: "a/b" }, /^contextId must be 1 to 64/],
    "a misspelt field": [{ code: "1", timeout: 5 }, /unknown field "timeout"; did you mean "timeoutMs"\?/],
  };
  for (const [why, [value, message]] of Object.entries(refused)) refuse(why, [ExecRequest, value, message]);

  test("a kill is SIGKILL unless it says otherwise", () => {
    assert.deepEqual(parseRequest(KillRequest, {}), { signal: "SIGKILL" });
    assert.deepEqual(parseRequest(KillRequest, { signal: "SIGINT" }), { signal: "SIGINT" });
  });
  refuse("an unknown signal", [
    KillRequest,
    { signal: "SIGTREM" },
    /not "SIGTREM"; did you mean "SIGTERM"\?$/,
  ]);
});

describe("files, keys and runs", () => {
  refuse("no path", [MakeDirectoryRequest, {}, /^path is missing$/]);
  refuse("an empty path", [MakeDirectoryRequest, { path: "" }, /^path must not be empty$/]);
  refuse("a key's name over two lines", [
    CreateKeyRequest,
    { name: "a\nb" },
    /^name must not contain control/,
  ]);
  refuse("a long name of a run", [
    StartRunRequest,
    { name: long(201) },
    /^name must have at most 200 characters$/,
  ]);
  accept("an agent's event", AddRunEventsRequest, {
    events: [{ ...toolCall, timestamp: "2026-04-18T14:00:00.000042Z" }],
  });
  accept("1000 events", AddRunEventsRequest, { events: Array.from({ length: 1000 }, () => toolCall) });

  const refused: Record<string, [events: unknown, message: RegExp]> = {
    "no event": [[], /^events must have at least 1 event$/],
    "1001 events": [
      Array.from({ length: 1001 }, () => toolCall),
      /^events must have at most 1000 events: send the rest/,
    ],
    "an event that is the host's to say": [
      [{ type: "exec.completed", data: {} }],
      /^events\[0\]\.type must be one of agent\.started, .*agent\.thinking, /,
    ],
    "an unknown type": [[{ ...toolCall, type: "agent.toolcall" }], /did you mean "agent\.tool_call"\?/],
    "a payload without what is required": [
      [{ ...toolCall, data: { toolName: "x" } }],
      /^events\[0\]\.data\.toolCallId is missing$/,
    ],
    "a misspelt field of a payload": [
      [{ ...toolCall, data: { ...toolCall.data, argument: "{}" } }],
      /^unknown field "argument"; did you mean "arguments"\? \(in events\[0\]\.data\)$/,
    ],
    "a forged identity": [[{ ...toolCall, orgId: "other" }], /^unknown field "orgId"/],
    "a time without a zone": [
      [{ ...toolCall, timestamp: "2026-04-18T14:00:00" }],
      /^events\[0\]\.timestamp must be a time like /,
    ],
    "an event of more than 256 KiB": [
      [{ ...toolCall, data: { ...toolCall.data, arguments: long(262_144) } }],
      /^events\[0\] must be at most 256 KiB/,
    ],
  };
  for (const [why, [events, message]] of Object.entries(refused))
    refuse(why, [AddRunEventsRequest, { events }, message]);
});
