import assert from "node:assert/strict";
import { HelperMessages } from "../../../packages/runtime/src/host/helper-messages.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { pieces } from "./agent-frames.ts";

function message(...fields: string[]): Buffer {
  const body = Buffer.from(`${fields.join("\0")}\0`);
  return Buffer.concat([Buffer.from(Uint32Array.of(body.length).buffer), body]);
}

/** Messages of the native helper and of minders, up to the first that is none. */
export const helperMessages: FuzzTarget = {
  name: "helper-messages",
  watched: ["/runtime/src/host/helper-messages.ts"],
  words: [
    message("created", "42", ""),
    message("ready", "", ""),
    message("failed", "token", "ä"),
    message("refused", "1 later find the sandbox", ""),
    message(""),
  ],
  seeds: [
    Buffer.concat([message("ready", "", ""), message("created", "42", ""), message("exited", "9", "")]),
  ],
  check(input) {
    const whole = read([input]);
    const bytewise = read(pieces(input, 1));
    assert.equal(bytewise.isBroken, whole.isBroken);
    assert.deepEqual(read(pieces(input, 20)).isBroken, whole.isBroken);
    if (!whole.isBroken) assert.deepEqual(bytewise, whole);
    // What it says, said again, is what came.
    const again = Buffer.concat(bytewise.messages.map((fields) => message(...fields)));
    const isText = Buffer.from(input.toString("utf8")).equals(input);
    if (isText) assert.deepEqual(input.subarray(0, again.length), again);
    return `${whole.isBroken} ${Math.min(bytewise.messages.length, 4)} ${Math.min(bytewise.messages[0]?.length ?? 0, 4)}`;
  },
};

function read(parts: readonly Buffer[]): { messages: string[][]; isBroken: boolean } {
  const reader = new HelperMessages();
  const messages: string[][] = [];
  try {
    for (const part of parts) messages.push(...reader.push(part));
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return { messages, isBroken: true };
  }
  return { messages, isBroken: false };
}
