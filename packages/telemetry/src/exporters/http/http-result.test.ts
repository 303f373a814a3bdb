import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { describe, test } from "node:test";
import { describeFailure, parseRetryAfter, resultOfStatus } from "./http-result.ts";
import type { HttpAnswer } from "./http-sender.ts";

const where = "https://some.example";

describe("the result of an answer", () => {
  test("is ok for every 2xx", () => {
    for (const status of [200, 201, 202, 204, 299])
      assert.deepEqual(resultOfStatus(answer(status), where), { status: "ok" });
  });

  test("is a fail where what was sent is at fault", () => {
    for (const status of [400, 413, 422]) {
      const result = resultOfStatus(answer(status, "", { "retry-after": "5" }), where);
      assert.deepEqual(result, { status: "fail", reason: `https://some.example answered ${status}` });
    }
  });

  test("is a retry for what passes, after the time that it names", () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
      assert.deepEqual(resultOfStatus(answer(status, "", { "retry-after": "7" }), where), {
        status: "retry",
        reason: `https://some.example answered ${status}`,
        afterMs: 7000,
      });
    }
  });

  test("is a retry that says what to put right where a person has to", () => {
    const hints: [status: number, hint: RegExp][] = [
      [401, /credentials were not accepted/],
      [402, /out of credit/],
      [403, /do not allow writing/],
      [404, /correct the URL/],
      [405, /takes no POST/],
      [407, /proxy/],
      [410, /gone/],
      [415, /compression/],
      [418, /answered 418$/],
    ];
    for (const [status, hint] of hints) {
      const result = resultOfStatus(answer(status), where);
      assert.equal(result.status, "retry");
      assert.match(result.reason, hint);
    }
  });

  test("names of a redirect only the origin that it leads to", () => {
    const to = (location: string) => {
      const result = resultOfStatus(answer(302, "", { location }), where);
      assert.equal(result.status, "retry");
      return result.reason;
    };
    assert.match(
      to("https://u:secret@other.example/path?token=secret"),
      /a redirect to https:\/\/other\.example, /,
    );
    assert.doesNotMatch(to("https://u:secret@other.example/path?token=secret"), /secret|path/);
    for (const vague of ["/path?secret", "javascript:secret", ""])
      assert.match(to(vague), /answered 302, a redirect, /);
  });

  test("quotes the start of a text or of JSON on one line, and no page of HTML", () => {
    const reason = (body: string, type?: string) => {
      const result = resultOfStatus(
        answer(503, body, type === undefined ? {} : { "content-type": type }),
        where,
      );
      assert.equal(result.status, "retry");
      return result.reason;
    };
    const prefix = "https://some.example answered 503";
    assert.equal(reason("no\r\n\t \u0000\u001b[31mway\u202e!\n"), `${prefix}: no [31mway !`);
    assert.equal(
      reason('{"message":"no"}', "application/json; charset=utf-8"),
      `${prefix}: {"message":"no"}`,
    );
    assert.equal(reason('{"message":"no"}', "application/problem+json"), `${prefix}: {"message":"no"}`);
    assert.equal(reason("<html>no</html>", "text/html"), prefix);
    assert.equal(reason("\u0000\u0001", "application/octet-stream"), prefix);
    const long = reason(`${"word ".repeat(100)}`);
    assert.ok(long.length <= prefix.length + 2 + 200 && long.endsWith("word…"), long);
  });

  test("quotes no part of a word that it had to cut: half a secret is not known as one", () => {
    const token = `xaat-${"1234567890".repeat(30)}`;
    for (const body of [
      `the token ${token} is wrong`,
      `{"token":"${token}"}`,
      `${" ".repeat(4000)}${token}`,
    ]) {
      const result = resultOfStatus(answer(401, body), where);
      assert.equal(result.status, "retry");
      assert.doesNotMatch(result.reason, /xaat|123/);
      assert.ok(result.reason.endsWith("…"));
    }
  });
});

describe("Retry-After", () => {
  const now = Date.UTC(2026, 3, 18, 14);
  test("is seconds or an HTTP date, and at most an hour", () => {
    assert.equal(parseRetryAfter("3", now), 3000);
    assert.equal(parseRetryAfter(" 1.5 ", now), 1500);
    assert.equal(parseRetryAfter("Sat, 18 Apr 2026 14:00:20 GMT", now), 20_000);
    assert.equal(parseRetryAfter("86400", now), 3_600_000);
    assert.equal(parseRetryAfter("Sun, 18 Apr 2027 14:00:20 GMT", now), 3_600_000);
  });

  test("says nothing where it is absent, past, or neither", () => {
    for (const text of [undefined, "", "0", "-3", "soon", "NaN", "1e3x", "Sat, 18 Apr 2026 13:00:20 GMT"])
      assert.equal(parseRetryAfter(text, now), undefined, text);
  });
});

describe("the words for a failure", () => {
  test("say what is wrong and where", () => {
    const coded = (code: string, message = "") => Object.assign(new Error(message), { code });
    const cases: [error: unknown, words: RegExp][] = [
      [coded("ECONNREFUSED"), /^no answer from https:\/\/some\.example: the connection was refused/],
      [new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")]), /the connection was refused/],
      [coded("ENOTFOUND"), /DNS knows no such host/],
      [coded("CERT_HAS_EXPIRED"), /certificate has expired/],
      [coded("HPE_INVALID_CONSTANT"), /not HTTP/],
      [coded("EODD", "some\nthing"), /: some thing \(EODD\)$/],
      [new Error("no code"), /: no code$/],
      ["a text", /: a text$/],
      [new DOMException("", "TimeoutError"), /gave up waiting/],
      [AbortSignal.abort().reason, /gave up waiting/],
      [new AggregateError([], "nothing"), /: nothing$/],
      [undefined, /undefined/],
    ];
    for (const [error, words] of cases) assert.match(describeFailure(error, where), words);
  });
});

function answer(status: number, body = "", headers: IncomingHttpHeaders = {}): HttpAnswer {
  return { status, headers, body: Buffer.from(body) };
}
