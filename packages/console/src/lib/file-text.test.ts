import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_TEXT_BYTES, readText } from "./file-text.ts";

test("text is read as it is, its byte order mark included", async () => {
  assert.deepEqual(await readText(new Response("größer\n")), { text: "größer\n" });
  assert.deepEqual(await readText(new Response("\ufeffx")), { text: "\ufeffx" });
  assert.deepEqual(await readText(new Response(null)), { text: "" });
});

test("bytes that are no text are not shown as if they were", async () => {
  for (const bytes of [[0x61, 0], [0xff, 0xfe], [0xc3]])
    assert.deepEqual(await readText(new Response(new Uint8Array(bytes))), { why: "It is not text." });
});

test("of a file that is too large no more is read than it takes to see that", async () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  let given = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      given += chunk.length;
      controller.enqueue(chunk);
    },
  });
  assert.deepEqual(await readText(new Response(endless)), { why: "It is larger than 256 KiB." });
  assert.ok(given <= MAX_TEXT_BYTES + 4 * chunk.length, `${given}`);
  assert.deepEqual(await readText(new Response("x".repeat(MAX_TEXT_BYTES))), {
    text: "x".repeat(MAX_TEXT_BYTES),
  });
});
