import assert from "node:assert/strict";
import { test } from "node:test";
import { printable, printableJson, shortened } from "./printable.ts";

test("escape sequences, other control characters and bidirectional tricks are gone, text of any script stays", () => {
  assert.equal(printable("a\u001b[2Jb\u0007\u009b31mc\u007f"), "a[2Jb31mc");
  assert.equal(printable("user\u202Etxt.exe\u2066\u200b"), "usertxt.exe");
  assert.equal(printable("Grüße 東京 😀 שלום"), "Grüße 東京 😀 שלום");
});

test("line breaks and tabs become one space, so that one thing stays one line", () => {
  assert.equal(printable("for i in x:\n\tprint(i)\r\n"), "for i in x: print(i) ");
});

test("text is cut by characters, not in the middle of one", () => {
  assert.equal(shortened("😀😀😀", 2), "😀…");
  assert.equal(shortened("abc", 3), "abc");
});

test("JSON for a terminal holds no control characters and means the same", () => {
  const value = { name: "\u001b[31m\u009b2J\u202e", text: "ä\n" };
  const text = printableJson(value);
  assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e]/);
  assert.deepEqual(JSON.parse(text), value);
});
