import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf } from "./address-network.ts";

test("addresses of one /64 of IPv6 are one, however they are written, and those of IPv4 are their own", () => {
  const same = [
    "2001:db8::1",
    "2001:DB8:0:0:ffff::2",
    "2001:0db8:0000::3",
    "2001:db8:0:0:1:2:3:4",
    "2001:db8::1.2.3.4",
    "2001:db8::1%eth0",
  ];
  assert.deepEqual([...new Set(same.map(networkOf))], ["2001:db8:0:0"]);
  const others = [
    "2001:db8:0:1::1",
    "2001:db8:1::",
    "::1",
    "fd00::",
    "192.0.2.1",
    "192.0.2.2",
    "",
    "garbage",
  ];
  assert.equal(new Set(others.map(networkOf)).size, others.length);
  assert.equal(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
});
