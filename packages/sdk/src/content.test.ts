import assert from "node:assert/strict";
import { test } from "node:test";
import { Content } from "./content.ts";
import { SandglassError } from "./errors.ts";

const CAPTURED = { captureContent: true };
const letters = (count: number) => "aB3dEf6hIj".repeat(9).slice(0, count);

/** Secrets that belong to nobody, and each what must not be left of it. */
const SECRETS: readonly (readonly [text: string, secret: string])[] = [
  [`authorization: Bearer ${letters(24)}`, letters(24)],
  [`Authorization: Basic ${letters(24)}==`, letters(24)],
  [`key sk-${letters(32)}.`, letters(32)],
  [`sk-ant-api03-${letters(40)}`, letters(40)],
  [`AKIA${"ABCD2345EFGH6789"} and more`, "ABCD2345EFGH6789"],
  [`aws_secret_access_key = "${letters(40)}"`, letters(40)],
  [`ghp_${letters(36)}`, letters(36)],
  [`github_pat_${letters(40)}`, letters(40)],
  [`-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n-----END RSA PRIVATE KEY-----`, letters(64)],
  [`-----BEGIN PRIVATE KEY-----\n${letters(64)}`, letters(64)],
  ["psql postgres://admin:p@ss/w0rd@db.example/app".replace("/w0rd", "w0rd"), "p@ssw0rd"],
  ["redis://:hunter22@cache", "hunter22"],
];

test("secrets of well-known shapes are replaced, in texts, in values and keys of objects, and in errors", () => {
  const content = new Content(CAPTURED);
  for (const [text, secret] of SECRETS) {
    for (const given of [text, { text }, { deep: [{ [text]: `a "quoted" ${text}` }] }, new Error(text)]) {
      const recorded = content.text(given) ?? "";
      assert.ok(recorded.includes("[redacted]"), recorded);
      assert.ok(!recorded.includes(secret), recorded);
      assert.ok(!recorded.includes(JSON.stringify(secret).slice(1, -1)), recorded);
    }
  }
});

test("what only looks a little like a secret is left", () => {
  const text =
    "risk-free desk-based, Bearer of news, https://example.org:8080/a@b, task-1, basic rules, AKIAs";
  assert.equal(new Content(CAPTURED).text(text), text);
});

test("a list of one's own takes the place of the known shapes, strings as they are and expressions everywhere", () => {
  const content = new Content({ ...CAPTURED, redact: ['a+"b"', /cust-\d+/y, ""] });
  assert.equal(content.text('1 cust-1 cust-22 a+"b" aab'), "1 [redacted] [redacted] [redacted] aab");
  assert.equal(content.text({ said: 'a+"b"' }), '{"said":"[redacted]"}');
  assert.equal(content.text(`sk-${letters(32)}`), `sk-${letters(32)}`);
});

test("a text is cut to whole characters within the limit, behind the redaction, and says so", () => {
  const content = new Content({ ...CAPTURED, maxContentBytes: 10 });
  assert.equal(content.text("0123456789"), "0123456789");
  assert.equal(content.text("012345678é"), "012345678… [cut: 11 bytes]");
  assert.equal(content.text(`12345 sk-${letters(32)}`), "12345 [red… [cut: 16 bytes]");
  assert.equal(new Content({ ...CAPTURED, maxContentBytes: 0 }).text("secret"), "… [cut: 6 bytes]");
});

test("whatever is captured is within what the daemon takes as one event", () => {
  const content = new Content({ ...CAPTURED, maxContentBytes: 240 * 1024 });
  for (const character of ["\u0000", '"', "é", "\ud800", "x"]) {
    const recorded = content.text(character.repeat(1_000_000)) ?? "";
    assert.ok(Buffer.byteLength(JSON.stringify(recorded)) < 250 * 1024, character);
  }
  for (const maxContentBytes of [-1, 1.5, 240 * 1024 + 1, Number.NaN]) {
    assert.throws(() => new Content({ maxContentBytes }), { code: "INVALID_REQUEST" });
  }
});

test("what is no JSON is recorded as it says it is", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const content = new Content(CAPTURED);
  assert.equal(content.text(circle), "[object Object]");
  assert.equal(content.text(10n), "10");
  assert.equal(content.text(null), "null");
  assert.equal(content.text(undefined), undefined);
});

test("without captureContent nothing is left of a content, and of an error only its kind", () => {
  const content = new Content();
  assert.equal(content.text("secret"), undefined);
  assert.equal(content.error("secret"), undefined);
  assert.equal(content.error(new TypeError("secret")), "TypeError");
  assert.equal(content.error(new SandglassError("SANDBOX_ENDED", "secret")), "SANDBOX_ENDED");
  assert.equal(content.error(Object.assign(new Error("secret"), { name: "a secret" })), "Error");
  assert.equal(new Content(CAPTURED).error(new TypeError("said")), "TypeError: said");
});

test("a long text takes no longer than its length", () => {
  const content = new Content({ ...CAPTURED, maxContentBytes: 100 });
  // Each would take minutes where an expression went back and forth.
  for (const piece of ["a.", "http://", "://:", "-----BEGIN PRIVATE KEY-----", "Bearer ", "eyJ", "sk-"]) {
    assert.match(content.text(piece.repeat(100_000)) ?? "", /cut: \d+ bytes|redacted/);
  }
});
