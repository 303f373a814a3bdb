import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatTracestate, isTracestateMember, parseTracestate } from "./tracestate.ts";

const members = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=1`).join(",");
const allowedKey = `${"abcdefghijklmnopqrstuvwxyz0123456789"}_-*/@`;
const allowedValue = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
  .filter((character) => character !== "," && character !== "=")
  .join("");

describe("tracestate (W3C Trace Context Level 2, section 3.3)", () => {
  const accepted: [why: string, header: string, formatted: string][] = [
    ["one member", "foo=1", "foo=1"],
    ["several, in order", "foo=1,bar=2,baz=3", "foo=1,bar=2,baz=3"],
    ["an empty header", "", ""],
    ["empty members", "foo=1,,bar=2, ,\t,", "foo=1,bar=2"],
    ["space and tab around members", "foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"],
    ["space in a value, but at its end", "foo= a b ,bar=1", "foo= a b,bar=1"],
    ["a tenant's key", "fw529a3039@dt=FfAK", "fw529a3039@dt=FfAK"],
    ["a key that begins with a digit", "0a=1", "0a=1"],
    ["@ anywhere behind the first character", "special@@vendor@=1", "special@@vendor@=1"],
    ["every character that is allowed", `${allowedKey}=${allowedValue}`, `${allowedKey}=${allowedValue}`],
    ["a key of 256 characters", `${"z".repeat(256)}=1`, `${"z".repeat(256)}=1`],
    ["a value of 256 characters", `a=${"z".repeat(256)}`, `a=${"z".repeat(256)}`],
    ["32 members", members(32), members(32)],
    ["32 members and empty ones", `,${members(32)},`, members(32)],
  ];
  for (const [why, header, formatted] of accepted) {
    test(`accepts ${why}`, () => {
      const parsed = parseTracestate(header);
      assert.ok(parsed !== undefined);
      assert.equal(formatTracestate(parsed), formatted);
    });
  }

  const refused: [why: string, header: string][] = [
    ["a key twice", "foo=1,foo=2"],
    ["a key twice with the same value", "foo=1,bar=2,foo=1"],
    ["33 members", members(33)],
    ["no =", "foo"],
    ["no key", "=1"],
    ["no value", "foo="],
    ["a value of spaces", "foo=  "],
    ["two =", "foo=1=2"],
    ["an upper-case key", "FOO=1"],
    ["a key that begins with @", "@vendor=1"],
    ["a dot in a key", "foo.bar=1"],
    ["space in a key", "foo =1"],
    ["a key of 257 characters", `${"z".repeat(257)}=1`],
    ["a value of 257 characters", `a=${"z".repeat(257)}`],
    ["a control character", "foo=a\u0000b"],
    ["a line break", "foo=a\nb"],
    ["what is not ASCII", "foo=ü"],
    ["one bad member among good ones", "foo=1,bar,baz=3"],
  ];
  for (const [why, header] of refused) {
    test(`discards the whole list with ${why}`, () => assert.equal(parseTracestate(header), undefined));
  }

  test("a list of valid members survives formatting and parsing", () => {
    const key = fc.stringMatching(/^[a-z0-9][a-z0-9_\-*/@]{0,20}$/);
    const value = fc.stringMatching(/^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,20}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/);
    const member = fc.record({ key, value }, { noNullPrototype: true });
    const list = fc.uniqueArray(member, { maxLength: 32, selector: ({ key }) => key });
    fc.assert(
      fc.property(list, (given) => assert.deepEqual(parseTracestate(formatTracestate(given)), given)),
    );
  });

  test("no text makes the parser throw, and what it takes is valid", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.ok(parseTracestate(text)?.every(isTracestateMember) ?? true);
      }),
    );
  });
});
