import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeResponse } from "../../otlp/testing/oracle.ts";
import type { HttpAnswer } from "../http/http-sender.ts";
import { outcomeOfAnswer } from "./http-outcome.ts";

const WHERE = "http://collector:4318";

function answer(status: number, type = "", body: string | Uint8Array = "", headers: object = {}): HttpAnswer {
  return {
    status,
    headers: { ...(type && { "content-type": type }), ...headers },
    body: Buffer.from(body as string),
  };
}

describe("what an answer of OTLP/HTTP means", () => {
  test("what passes, and what a person puts right, is tried again", () => {
    for (const status of [401, 403, 408, 429, 500, 502, 503, 504, 301]) {
      assert.equal(outcomeOfAnswer("traces", answer(status), WHERE).status, "retry", String(status));
    }
    for (const status of [404, 405, 501]) {
      assert.equal(outcomeOfAnswer("traces", answer(status), WHERE).status, "retry", String(status));
      assert.equal(outcomeOfAnswer("logs", answer(status), WHERE).status, "unsupported", String(status));
      assert.equal(outcomeOfAnswer("metrics", answer(status), WHERE).status, "unsupported", String(status));
    }
  });

  test("the time that it names is waited for", () => {
    const named = outcomeOfAnswer("logs", answer(429, "", "", { "retry-after": "7" }), WHERE);
    assert.equal(named.status === "retry" && named.afterMs, 7000);
  });

  test("what is wrong with the data is given up, with the message of the google.rpc.Status in it", () => {
    // google.rpc.Status: message = 2.
    const status = Buffer.concat([Buffer.of(0x12, 9), Buffer.from("bad span\u0007")]);
    for (const code of [400, 413, 422]) {
      const outcome = outcomeOfAnswer("traces", answer(code, "application/x-protobuf", status), WHERE);
      assert.equal(outcome.status, "fail");
      assert.match(outcome.status === "fail" ? outcome.reason : "", new RegExp(`${code}.*: bad span$`));
    }
  });

  test("a yes with nothing in it, with no answer of ours in it, or in another type is a yes", () => {
    const yeses = [
      answer(200),
      answer(204),
      answer(202, "text/plain", "OK"),
      answer(200, "application/json", "{}"),
      answer(200, "application/json; charset=utf-8", '{"ok":1}'),
      answer(200, "", "{}"),
      answer(200, "application/x-protobuf", encodeResponse("traces")),
      answer(200, "application/x-protobuf", encodeResponse("traces", { errorMessage: "slow down" })),
    ];
    for (const yes of yeses) assert.deepEqual(outcomeOfAnswer("traces", yes, WHERE), { status: "ok" });
  });

  test("what was not taken is counted, with its reason in one line", () => {
    const partial = { rejectedSpans: 3, errorMessage: "too\nold" };
    const expected = { status: "ok", rejected: 3, reason: `${WHERE} rejected 3 spans: too old` };
    for (const yes of [
      answer(200, "application/x-protobuf", encodeResponse("traces", partial)),
      answer(200, "application/json", JSON.stringify({ partialSuccess: partial })),
    ]) {
      assert.deepEqual(outcomeOfAnswer("traces", yes, WHERE), expected);
    }
  });

  test("a page in HTML, and a body that is not what it says it is, are no yes", () => {
    const cut = encodeResponse("traces", { rejectedSpans: 3, errorMessage: "too old" }).subarray(0, 5);
    for (const odd of [
      answer(200, "text/html; charset=utf-8", "<html>please sign in</html>"),
      answer(200, "application/x-protobuf", cut),
      answer(200, "application/json", '{"partialSuccess":'),
    ]) {
      const outcome = outcomeOfAnswer("traces", odd, WHERE);
      assert.equal(outcome.status, "retry");
      assert.match(outcome.status === "retry" ? outcome.reason : "", /content-type/);
    }
  });
});
