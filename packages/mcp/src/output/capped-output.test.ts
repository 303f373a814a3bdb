import assert from "node:assert/strict";
import { test } from "node:test";
import { CappedOutput } from "./capped-output.ts";

test("what fits comes back as it was, however it arrived", () => {
  const output = new CappedOutput(10);
  for (const part of ["äb", "cdef", "gh"]) output.add(Buffer.from(part));
  assert.deepEqual(output.end("stdout"), { text: "äbcdefgh", totalBytes: 9, omittedBytes: 0 });
  assert.deepEqual(new CappedOutput(10).end("stdout"), { text: "", totalBytes: 0, omittedBytes: 0 });
});

test("of more the beginning and the end come back, without a character that is cut, and what is left out is counted", () => {
  const whole = Buffer.from("€".repeat(40));
  for (const size of [1, 2, 7, 120]) {
    const output = new CappedOutput(20);
    for (let at = 0; at < whole.length; at += size) output.add(whole.subarray(at, at + size));
    const { text, totalBytes, omittedBytes } = output.end("stdout");
    assert.equal(text, "€€€\n… [102 of 120 bytes of stdout left out] …\n€€€", `in parts of ${size}`);
    assert.deepEqual([totalBytes, omittedBytes], [120, 102]);
  }
});

test("bytes that are no text are not lost in silence", () => {
  const output = new CappedOutput(8);
  output.add(Buffer.alloc(100, 0x80));
  const { text, omittedBytes } = output.end("stderr");
  assert.match(text, /^\ufffd+\n… \[92 of 100 bytes of stderr left out\] …\n\ufffd+$/);
  assert.equal(omittedBytes, 92);
});
