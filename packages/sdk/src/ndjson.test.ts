import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "./errors.ts";
import { NdjsonParser } from "./ndjson.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

test("whole lines of one chunk come out in order and blank ones are skipped", () => {
  const parser = new NdjsonParser<unknown>();
  assert.deepEqual(parser.push(bytes('{"a":1}\n\n2\r\n\r\n"three"\n')), [{ a: 1 }, 2, "three"]);
  assert.equal(parser.pendingBytes, 0);
});

test("a stream cut at every possible byte gives the same values, multi-byte characters included", () => {
  const values = [{ text: "ä€😀" }, { text: "line\nbreak" }, "", 42];
  const stream = bytes(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
  for (let size = 1; size <= stream.length; size++) {
    const parser = new NdjsonParser<unknown>();
    const seen: unknown[] = [];
    for (let start = 0; start < stream.length; start += size) {
      seen.push(...parser.push(stream.subarray(start, start + size)));
    }
    assert.deepEqual(seen, values, `chunks of ${size} bytes`);
  }
});

test("a line of many megabytes in small chunks is joined once", () => {
  const parser = new NdjsonParser<string>();
  const chunk = Buffer.alloc(1024, "x");
  parser.push(bytes('"'));
  // 64 MiB: joining on every chunk would copy two terabytes and never end.
  for (let index = 0; index < 65_536; index++) assert.deepEqual(parser.push(chunk), []);
  const [line] = parser.push(bytes('"\n'));
  assert.equal(line?.length, 65_536 * 1024);
});

test("what is no JSON is an error of the stream that quotes the line's beginning", () => {
  assert.throws(
    () => new NdjsonParser().push(bytes("<html>\n")),
    (error: unknown) => {
      assert.ok(error instanceof StreamError);
      assert.equal(error.code, "STREAM_BROKEN");
      assert.match(error.message, /<html>/);
      return true;
    },
  );
});

test("a line without an end is given up at the limit instead of filling memory", () => {
  const parser = new NdjsonParser(1000);
  parser.push(Buffer.alloc(999));
  assert.throws(() => parser.push(Buffer.alloc(2)), /longer than 1000 bytes/);
});

test("an unfinished last line yields nothing", () => {
  const parser = new NdjsonParser();
  assert.deepEqual(parser.push(bytes('1\n{"half":')), [1]);
  assert.equal(parser.pendingBytes, 8);
});
