import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type BaggageEntry, formatBaggage, normalizeBaggage, parseBaggage } from "./baggage.ts";

const plain = (key: string, value: string): BaggageEntry => ({ key, value, properties: [] });

describe("baggage (W3C Baggage, section 3)", () => {
  const parsed: [why: string, header: string, entries: BaggageEntry[]][] = [
    ["nothing", "", []],
    ["one entry", "userId=alice", [plain("userId", "alice")]],
    ["space around everything", "a \t = \t 1 \t , \t b = 2 ", [plain("a", "1"), plain("b", "2")]],
    ["percent-encoding", "serverNode=DF%2028", [plain("serverNode", "DF 28")]],
    ["UTF-8", "name=%C3%BC%F0%9F%98%80", [plain("name", "ü😀")]],
    ["bytes that are not UTF-8", "a=x%FFy%C3", [plain("a", "x\uFFFDy\uFFFD")]],
    [
      "a % that encodes nothing",
      "a=100%,b=%zz,c=%4",
      [plain("a", "100%"), plain("b", "%zz"), plain("c", "%4")],
    ],
    ["= inside a value", "a=b=c==", [plain("a", "b=c==")]],
    ["an empty value", "a=", [plain("a", "")]],
    ["duplicate keys, in order", "a=1,a=2", [plain("a", "1"), plain("a", "2")]],
    ["a + that is no space", "a=1+1", [plain("a", "1+1")]],
    [
      "properties",
      "k1=v1;p1;p2 = x%20y , k2=v2 \t ; p3",
      [
        { key: "k1", value: "v1", properties: [{ key: "p1" }, { key: "p2", value: "x y" }] },
        { key: "k2", value: "v2", properties: [{ key: "p3" }] },
      ],
    ],
    [
      "only the good ones of bad entries",
      'novalue,=1,a b=1,a="x",a=b c,a=b;=x,a=\\,,ok=1',
      [plain("ok", "1")],
    ],
    ["nothing of control characters and line breaks", "a=\u0001,b=x\ny,c=ü,ok=1", [plain("ok", "1")]],
  ];
  for (const [why, header, entries] of parsed) {
    test(`reads ${why}`, () => assert.deepEqual(parseBaggage(header), entries));
  }

  test("passes on what it received without the space, encoding untouched", () => {
    assert.equal(normalizeBaggage("a = %41%2c ; p = 1 ,bad, b=2;q"), "a=%41%2c;p=1,b=2;q");
  });

  test("64 entries pass, what is beyond them is dropped", () => {
    const header = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=v`).join(",");
    assert.equal(normalizeBaggage(header(64)), header(64));
    assert.equal(normalizeBaggage(header(65)), header(64));
  });

  test("8192 bytes pass; an entry that does not fit is dropped whole and smaller ones behind it stay", () => {
    const full = `a=${"x".repeat(8190)}`;
    assert.equal(normalizeBaggage(full), full);
    assert.equal(normalizeBaggage(`${full}x`), "");
    assert.equal(normalizeBaggage(`a=1,big=${"x".repeat(8190)},b=2`), "a=1,b=2");
  });

  test("any text survives as a value", () => {
    const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
    const value = fc.string({ unit: "grapheme", maxLength: 12 });
    const exact = { noNullPrototype: true };
    const properties = fc.array(fc.record({ key: token, value }, exact), { maxLength: 2 });
    const entry = fc.record({ key: token, value, properties }, exact);
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        assert.deepEqual(parseBaggage(formatBaggage(entries)), entries);
      }),
    );
  });

  test("an entry whose key is no token is left out", () => {
    assert.equal(
      formatBaggage([plain("a b", "1"), plain("", "1"), plain("ok", '"1,2;3\\"')]),
      "ok=%221%2C2%3B3%5C%22",
    );
  });

  test("no text makes it throw, and what it passes on is stable and printable", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const once = normalizeBaggage(text);
        assert.match(once, /^[\x21-\x7e]*$/);
        assert.equal(normalizeBaggage(once), once);
      }),
    );
  });
});
