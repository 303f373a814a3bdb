import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeTraces } from "../encode-traces.ts";
import { countJsonValues } from "./count-json-values.ts";
import { stampJsonRequest } from "./stamp-json-request.ts";
import { TEST_STAMP } from "./testing/test-stamp.ts";

const count = (text: string): number => countJsonValues(Buffer.from(text));
const stamp = (text: string) => stampJsonRequest("traces", Buffer.from(text), TEST_STAMP);

test("lists, objects and what is behind a comma are values, and nothing within a text is", () => {
  assert.equal(count('{"a":[1,2,{}],"b":3}'), 6);
  assert.equal(count(String.raw`["a,{[\",[{","\\",","]`), 3);
  assert.equal(count('"'), 0);
  assert.equal(count('"\\'), 0);
  assert.equal(count(""), 0);
});

test("a request that would take a hundred times its size to be parsed is refused before that", () => {
  const many = (one: string, times: number): string =>
    `{"resourceSpans":[{"resource":{"attributes":[${Array(times).fill(one).join(",")}]}}]}`;
  const { error } = stamp(many("{}", 200_000)) as { error: { kind: string; reason: string } };
  assert.equal(error.kind, "limit");
  assert.equal(error.reason, "more than 150000 values in JSON");
  assert.ok("bytes" in stamp(many("{}", 70_000)));
  // Looked at one by one, they take several times as long.
  const unusual = many('{"value":{"intValue":9007199254740993}}', 30_000);
  assert.equal((stamp(unusual) as { error: { kind: string } }).error.kind, "limit");
});

test("commas in a long text are no values", () => {
  const text = "1,".repeat(1_000_000);
  assert.ok("bytes" in stamp(`{"resourceSpans":[{"schemaUrl":"${text}"}]}`));
});

test("an attribute with an empty key, or none, is one", () => {
  const attributes = [{ key: "", value: { stringValue: "a" } }, { value: { stringValue: "b" } }, {}];
  const result = stamp(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ attributes }] }] }] }));
  assert.ok("bytes" in result);
  const spans = encodeTraces({
    resourceSpans: [{ scopeSpans: [{ spans: [{ attributes } as never] }] }],
  });
  assert.ok(result.bytes.includes(spans.subarray(-20)));
});
