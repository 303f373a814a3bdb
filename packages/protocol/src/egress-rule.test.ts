import assert from "node:assert/strict";
import { test } from "node:test";
import { hostName, parseEgressRule } from "./egress-rule.ts";
import { parseIpRange } from "./ip-range.ts";

test("a rule is a name, the names below it, an address, a block, or all, with or without a port", () => {
  const name = (text: string) => ({ kind: "name", name: text });
  const range = (text: string) => ({ kind: "range", range: parseIpRange(text) });
  const rules: [string, object, number | string | undefined][] = [
    ["pypi.org", name("pypi.org"), undefined],
    ["PyPI.org.", name("pypi.org"), undefined],
    ["bücher.example:8443", name("xn--bcher-kva.example"), 8443],
    ["*.github.com:*", { kind: "subdomains", name: "github.com" }, "any"],
    ["*", { kind: "any" }, undefined],
    ["*:22", { kind: "any" }, 22],
    ["10.0.0.1", range("10.0.0.1"), undefined],
    ["10.0.0.0/8:8080", range("10.0.0.0/8"), 8080],
    ["fd00::/8", range("fd00::/8"), undefined],
    ["[::1]:8080", range("::1"), 8080],
    ["[fd00::/8]:*", range("fd00::/8"), "any"],
    ["::ffff:10.0.0.1", range("10.0.0.1"), undefined],
  ];
  for (const [text, host, port] of rules) assert.deepEqual(parseEgressRule(text), { host, port }, text);
});

test("what is no rule is refused with what is wrong about it", () => {
  const wrong: [string, RegExp][] = [
    ["https://pypi.org", /without scheme/],
    ["pypi.org/simple", /without scheme and path/],
    ["user@pypi.org", /without a user/],
    ["pypi.org:0", /no port/],
    ["pypi.org:65536", /no port/],
    ["pypi.org:", /no port/],
    ["pypi.*", /is no name/],
    ["*pypi.org", /is no name/],
    ["a..b", /is no name/],
    ["", /is no name/],
    ["127.1", /is no name/],
    ["0x7f.1", /is no name/],
    ["10.0.0.0/33", /is no name/],
    ["pypi.org\0", /is no name/],
    ["pypi%2eorg", /is no name/],
  ];
  for (const [text, message] of wrong)
    assert.throws(() => parseEgressRule(text), { name: "RangeError", message }, JSON.stringify(text));
});

test("a name is compared in one form, and a number in disguise is none", () => {
  assert.equal(hostName("EXAMPLE.Org."), "example.org");
  assert.equal(hostName("例え.jp"), "xn--r8jz45g.jp");
  // Full-width digits and dots are what the standard makes of them: an address, which is no name.
  for (const text of [
    "2130706433",
    "127.0.0.1",
    "0x7f000001",
    "127。0。0。1",
    "１２７.0.0.1",
    "a b",
    "a\u0000b",
    ".",
    "a..",
  ])
    assert.equal(hostName(text), undefined, text);
});
