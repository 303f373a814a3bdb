import assert from "node:assert/strict";
import {
  type CellAnswer,
  ControlChannel,
  MAX_EXCEPTION_BYTES,
  MAX_RESULT_BYTES,
} from "../../../packages/runtime/src/exec/control-channel.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { pieces } from "./agent-frames.ts";

const EXPECTED = ["ready", "a", "b"];

/** What an interpreter says while three answers in turn are due. */
function hear(parts: readonly Buffer[]): { heard: unknown[]; isFlooded: boolean } {
  const channel = new ControlChannel();
  const heard: unknown[] = [];
  const due = [...EXPECTED];
  let isFlooded = false;
  const next = (): void => {
    const id = due.shift();
    if (id !== undefined) channel.expect(id);
  };
  channel.onReady = () => {
    heard.push("ready");
    next();
  };
  channel.onAnswer = (answer) => {
    assertSound(answer);
    heard.push(answer);
    next();
  };
  channel.onFlood = () => {
    assert.ok(!isFlooded, "flooded twice");
    isFlooded = true;
  };
  next();
  for (const part of parts) channel.push(part);
  return { heard, isFlooded };
}

function assertSound({ exitCode, result, exception }: CellAnswer): void {
  assert.ok(Number.isInteger(exitCode) && exitCode >= 0 && exitCode < 256, `exit code ${exitCode}`);
  const parts = Object.entries(result ?? {});
  for (const [, text] of parts) assert.equal(typeof text, "string");
  assert.ok(Buffer.byteLength(parts.map(([, text]) => text).join("")) <= 3 * MAX_RESULT_BYTES);
  if (exception === undefined) return;
  assert.notEqual(exitCode, 0, "an exception of what went well");
  assert.ok(exception.type.length > 0 && Buffer.byteLength(exception.type) <= 3 * MAX_EXCEPTION_BYTES);
}

const READY = '{"ready":true}\n';
const ANSWER = '{"id":"a","exitCode":0,"result":[["text/plain",2]]}\n42';
const RAISED = '{"id":"b","exitCode":1,"result":null,"exception":[3,2,1]}\nabcdef';

/** An interpreter's answers, which the cell's own code may forge. */
export const controlChannel: FuzzTarget = {
  name: "control-channel",
  watched: ["/runtime/src/exec/control-channel.ts"],
  words: [
    ...[READY, ANSWER, RAISED, '"result":', '"exception":', '"exitCode":', '"id":"a"', '"id":"b"', "null"],
    ...[
      "[[]]",
      '["__proto__",1]',
      '["constructor",1]',
      "-1",
      "1e99",
      "9007199254740993",
      "0.5",
      "[0,0,0]",
      "\n",
    ],
    ...['["a",1],'.repeat(20), "x\n".repeat(40)],
  ],
  seeds: [READY + ANSWER + RAISED],
  check(input) {
    const whole = hear([input]);
    assert.deepEqual(hear(pieces(input, 1)), whole, "byte by byte");
    assert.deepEqual(hear(pieces(input, 30)), whole, "in pieces");
    assert.deepEqual(Object.keys(Object.prototype), []);
    return JSON.stringify([whole.isFlooded, whole.heard.map(shape)]);
  },
};

function shape(heard: unknown): unknown {
  if (typeof heard === "string") return heard;
  const { exitCode, result, exception } = heard as CellAnswer;
  return [exitCode === 0, result && Object.keys(result).length, exception && Object.keys(exception).length];
}
