import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputEvent } from "@sandglass/protocol";
import { OutputCollector, outputBytes, outputText } from "./output.ts";

const line = (data: string, encoding?: "base64"): OutputEvent => ({
  type: "stdout",
  data,
  seq: 0,
  ts: 0,
  ...(encoding !== undefined && { encoding }),
});

test("text is joined, and its bytes are its UTF-8", () => {
  const output = new OutputCollector();
  output.add(line("ä"));
  output.add(line("b\n"));
  assert.equal(output.text(), "äb\n");
  assert.deepEqual(output.bytes(), Buffer.from("äb\n"));
});

test("bytes that are not UTF-8 are kept exactly and read as U+FFFD, without tearing characters at line borders", () => {
  const output = new OutputCollector();
  const euro = Buffer.from("€");
  output.add(line("a"));
  output.add(line(Buffer.concat([Buffer.from([0xff]), euro.subarray(0, 1)]).toString("base64"), "base64"));
  output.add(line(euro.subarray(1).toString("base64"), "base64"));
  assert.equal(output.text(), "a\ufffd€");
  assert.deepEqual(output.bytes(), Buffer.concat([Buffer.from("a"), Buffer.from([0xff]), euro]));
});

test("one line's bytes and text undo its encoding", () => {
  assert.deepEqual(outputBytes(line("/9j/4A==", "base64")), Buffer.from([0xff, 0xd8, 0xff, 0xe0]));
  assert.equal(outputText(line("aGk=", "base64")), "hi");
  assert.equal(outputText(line("aGk=")), "aGk=");
});
