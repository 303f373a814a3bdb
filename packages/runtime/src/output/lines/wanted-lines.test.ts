import assert from "node:assert/strict";
import { test } from "node:test";
import { wantedLines } from "./wanted-lines.ts";

const take = (): void => {};

test("the request's word on lines wins over the template's, and without either there are none", () => {
  assert.equal(wantedLines({}, {}, take), undefined);
  assert.equal(wantedLines({}, { logs: true }, take), take);
  assert.equal(wantedLines({ logs: true }, { logs: false }, take), take);
  assert.equal(wantedLines({ logs: false }, { logs: true }, take), undefined);
});

test("a record without content has no lines: asking for both is refused, and a template's default gives way", () => {
  assert.throws(() => wantedLines({ logs: true, record: "metadata" }, {}, take), { code: "INVALID_REQUEST" });
  assert.equal(wantedLines({ record: "metadata" }, { logs: true }, take), undefined);
});

test("where nobody takes telemetry, asking for lines is refused", () => {
  assert.throws(() => wantedLines({ logs: true }, {}, undefined), { code: "UNSUPPORTED_ON_HOST" });
  assert.equal(wantedLines({}, { logs: true }, undefined), undefined);
});
