import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seeded } from "@sandglass/testkit";
import { type CellAnswer, ControlChannel, MAX_EXCEPTION_BYTES, MAX_RESULT_BYTES } from "./control-channel.ts";

interface Heard {
  answers: CellAnswer[];
  ready: number;
  floods: number;
}

function listen(pieces: readonly (Buffer | string)[], expected = "exec_1"): Heard {
  const heard: Heard = { answers: [], ready: 0, floods: 0 };
  const channel = new ControlChannel();
  channel.onAnswer = (answer) => heard.answers.push(answer);
  channel.onReady = () => heard.ready++;
  channel.onFlood = () => heard.floods++;
  channel.expect(expected);
  for (const piece of pieces) channel.push(Buffer.from(piece as string));
  return heard;
}

/** An answer as an interpreter writes it. */
function answer(
  id: string,
  exitCode: number,
  result: Record<string, string> | null = null,
  exception?: readonly string[],
): Buffer {
  const parts =
    result === null ? null : Object.entries(result).map(([mime, text]) => [mime, Buffer.byteLength(text)]);
  const body = [...Object.values(result ?? {}), ...(exception ?? [])].map((text) => Buffer.from(text));
  const head = { id, exitCode, result: parts, exception: exception?.map((text) => Buffer.byteLength(text)) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...body]);
}

describe("an interpreter's control channel", () => {
  const result = { "text/plain": "é\n{}", "text/html": "<b>" };
  const whole = answer("exec_1", 0, result);

  test("an answer with its result is read, however it is cut", () => {
    for (let at = 0; at <= whole.length; at++)
      assert.deepEqual(listen([whole.subarray(0, at), whole.subarray(at)]).answers, [
        { exitCode: 0, result },
      ]);
    assert.deepEqual(listen([...whole].map((byte) => Buffer.of(byte))).answers, [{ exitCode: 0, result }]);
  });

  test("no result, an empty one and one of empty parts are told apart", () => {
    assert.deepEqual(listen([answer("exec_1", 3)]).answers, [{ exitCode: 3, result: undefined }]);
    assert.deepEqual(listen([answer("exec_1", 0, {})]).answers, [{ exitCode: 0, result: {} }]);
    const empty = { "text/plain": "" };
    assert.deepEqual(listen([answer("exec_1", 0, empty)]).answers, [{ exitCode: 0, result: empty }]);
  });

  test("an exception is read behind the result and apart from it, however it is cut", () => {
    const [type, message, stacktrace] = ["Erreur", "c'est\nça", "Traceback\n…"] as const;
    const failed = answer("exec_1", 1, { "text/plain": "é" }, [type, message, stacktrace]);
    const heard = { exitCode: 1, result: { "text/plain": "é" }, exception: { type, message, stacktrace } };
    for (let at = 0; at <= failed.length; at++)
      assert.deepEqual(
        listen([failed.subarray(0, at), failed.subarray(at)]).answers,
        [heard],
        `cut at ${at}`,
      );
  });

  test("what an exception does not say is absent, and one without a type is none", () => {
    const [terse] = listen([answer("exec_1", 1, null, ["String", "oops", ""])]).answers;
    assert.deepEqual(terse?.exception, { type: "String", message: "oops" });
    const [nameless] = listen([answer("exec_1", 1, null, ["", "oops", ""])]).answers;
    assert.deepEqual(nameless, { exitCode: 1, result: undefined });
  });

  test("a cell that went well raised nothing, whatever it says", () => {
    const [heard] = listen([answer("exec_1", 0, null, ["E", "m", "s"])]).answers;
    assert.deepEqual(heard, { exitCode: 0, result: undefined });
  });

  test("an exit code is one byte, as a process's is", () => {
    assert.deepEqual(listen([answer("exec_1", 256 + 7)]).answers[0]?.exitCode, 7);
    assert.deepEqual(listen([answer("exec_1", -1)]).answers[0]?.exitCode, 255);
  });

  test("only the answer that is due counts: none of another cell, and no second one", () => {
    const heard = listen([answer("exec_0", 1), answer("exec_1", 0), answer("exec_1", 5)]);
    assert.deepEqual(heard.answers, [{ exitCode: 0, result: undefined }]);
  });

  test("the greeting is heard once, and only when it is due", () => {
    assert.equal(listen(['{"ready":true}\n{"ready":true}\n'], "ready").ready, 1);
    assert.deepEqual(listen(['{"ready":true}\n', answer("exec_1", 0)]), {
      answers: [{ exitCode: 0, result: undefined }],
      ready: 0,
      floods: 0,
    });
  });

  const strays: [why: string, text: string][] = [
    ["no JSON", "hello\n"],
    ["no object", "[1]\n42\nnull\n"],
    ["no exit code", '{"id":"exec_1"}\n'],
    ["a fractional exit code", '{"id":"exec_1","exitCode":1.5}\n'],
    ["a result of no pairs", '{"id":"exec_1","exitCode":0,"result":[1]}\n'],
    ["a part without a size", '{"id":"exec_1","exitCode":0,"result":[["text/plain"]]}\n'],
    ["a part of a negative size", '{"id":"exec_1","exitCode":0,"result":[["text/plain",-1]]}\n'],
    [
      "a part beyond the largest result",
      `{"id":"exec_1","exitCode":0,"result":[["text/plain",${MAX_RESULT_BYTES + 1}]]}\n`,
    ],
    [
      "parts that are too large together",
      `{"id":"exec_1","exitCode":0,"result":${JSON.stringify(Array(9).fill(["a", 1 << 20]))}}\n`,
    ],
    [
      "more parts than any result has",
      `{"id":"exec_1","exitCode":0,"result":${JSON.stringify(Array(33).fill(["a", 1]))}}\n`,
    ],
    ["an exception of two parts", '{"id":"exec_1","exitCode":1,"exception":[1,1]}\n'],
    ["an exception of a negative size", '{"id":"exec_1","exitCode":1,"exception":[9,-5,1]}\n'],
    ["an exception whose sizes are none", '{"id":"exec_1","exitCode":1,"exception":["1","1","1"]}\n'],
    [
      "an exception beyond the largest",
      `{"id":"exec_1","exitCode":1,"exception":[1,1,${MAX_EXCEPTION_BYTES - 1}]}\n`,
    ],
    ["an empty line", "\n"],
    ["a line that is not UTF-8", "\ufffd\n"],
  ];
  for (const [why, text] of strays) {
    test(`${why} is no answer, and does not spoil the one behind it`, () => {
      assert.deepEqual(listen([text, answer("exec_1", 0)]).answers, [{ exitCode: 0, result: undefined }]);
    });
  }

  test("a head that never ends is a flood, and so are lines without end", () => {
    assert.equal(listen(Array(20).fill("x".repeat(1024))).floods, 1);
    assert.equal(listen(Array(100).fill("{}\n")).floods, 1);
    const late = listen([...Array<string>(100).fill("{}\n"), answer("exec_1", 0)]);
    assert.deepEqual([late.floods, late.answers], [1, []]);
  });

  test("a prototype is no place to put a result", () => {
    const heard = listen([answer("exec_1", 0, JSON.parse('{"__proto__":"x","text/plain":"y"}'))]);
    assert.equal(Object.getPrototypeOf(heard.answers[0]?.result), Object.prototype);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });

  test("noise is never a crash, and never an answer that is not one byte and text", () => {
    for (let seed = 0; seed < 2000; seed++) {
      const random = seeded(seed);
      const failed = answer("exec_1", 1, null, ["E", "m", "s"]);
      const damaged = Buffer.concat([whole, answer("exec_1", 1), failed, random.bytes(random.int(40))]);
      for (let count = random.int(4); count >= 0; count--)
        damaged[random.int(damaged.length)] = random.int(256);
      const cutAt = random.int(damaged.length);
      for (const { exitCode, result: parts } of listen([damaged.subarray(0, cutAt), damaged.subarray(cutAt)])
        .answers) {
        assert.ok(exitCode >= 0 && exitCode <= 255);
        for (const text of Object.values(parts ?? {})) assert.equal(typeof text, "string");
      }
    }
  });
});
