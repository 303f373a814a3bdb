import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { formatIpAddress, meantAddress, parseIpAddress } from "./ip-address.ts";
import { isInRange, parseIpRange } from "./ip-range.ts";

test("an address is read in the one notation that everybody reads alike", () => {
  const others = [
    "127.1",
    "0x7f.0.0.1",
    "010.0.0.1",
    "2130706433",
    "1.2.3.256",
    "1.2.3.4.",
    " 1.2.3.4",
    "1.2.3.4\0",
  ];
  const noIpv6 = [
    "[::1]",
    "::1%eth0",
    "1::2::3",
    "1:2:3",
    "1:2:3:4:5:6:7:8:9",
    "::12345",
    ":::",
    "1:2:3:4:5:6:7:8::",
    "::1.2.3",
    "1.2.3.4::",
    "1:1.2.3.4::1",
  ];
  for (const text of ["", "example.org", ...others, ...noIpv6])
    assert.equal(parseIpAddress(text), undefined, JSON.stringify(text));
});

test("what is an address, and how it is written, is the same as the URL standard's and Node's", () => {
  const check = (text: string) => {
    const parsed = parseIpAddress(text);
    assert.ok(parsed !== undefined, text);
    const canonical = new URL(`http://${parsed.family === 4 ? text : `[${text}]`}`).hostname;
    assert.equal(formatIpAddress(parsed), canonical.replace(/[[\]]/g, ""));
  };
  fc.assert(fc.property(fc.ipV4(), check));
  fc.assert(fc.property(fc.ipV6(), check));
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.]{0,24}$/), (text) =>
      assert.equal(parseIpAddress(text)?.family ?? 0, isIP(text)),
    ),
  );
});

test("an IPv4 address inside an IPv6 one is the one that is meant, where nothing else can be", () => {
  const meant = (text: string) => formatIpAddress(meantAddress(parseIpAddress(text)!));
  assert.equal(meant("::ffff:169.254.169.254"), "169.254.169.254");
  assert.equal(meant("64:ff9b::a9fe:a9fe"), "169.254.169.254");
  assert.equal(meant("::ffff:0:1.2.3.4"), "::ffff:0:102:304");
  assert.equal(meant("2002:7f00:1::1"), "2002:7f00:1::1");
});

test("a range is an address or a block, with the ends that its prefix says", () => {
  const isIn = (address: string, range: string) =>
    isInRange(meantAddress(parseIpAddress(address)!), parseIpRange(range)!);
  assert.ok(isIn("10.255.255.255", "10.0.0.0/8") && isIn("10.0.0.0", "10.9.9.9/8"));
  assert.ok(!isIn("11.0.0.0", "10.0.0.0/8") && !isIn("::a00:1", "10.0.0.0/8"));
  assert.ok(isIn("::ffff:10.1.1.1", "10.0.0.0/8") && isIn("10.1.1.1", "::ffff:10.0.0.0/104"));
  assert.ok(isIn("1.2.3.4", "0.0.0.0/0") && isIn("2001:db8::1", "::/0") && !isIn("1.2.3.4", "::/0"));
  assert.ok(isIn("fd00::1", "fd00::1") && !isIn("fd00::2", "fd00::1"));
  for (const text of ["", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0/8", "a/8"])
    assert.equal(parseIpRange(text), undefined, text);
});
