import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIpRange } from "./ip-range.ts";
import { isPublicAddress, isReservedRange } from "./public-address.ts";

describe("a public address", () => {
  const notPublic = [
    ["this network", "0.0.0.0", "0.1.2.3"],
    ["private", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    ["shared by a carrier", "100.64.0.1", "100.127.255.255", "100.100.100.200"],
    ["loopback", "127.0.0.1", "127.255.255.254", "::1"],
    ["link-local and metadata", "169.254.169.254", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0"],
    ["a cloud's host services", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"],
    ["documentation", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    ["benchmarking", "198.18.0.1", "2001:2::1"],
    ["multicast and reserved", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "ff02::1"],
    ["unspecified", "::"],
    ["unique local", "fc00::1", "fdff::1"],
    ["site-local and discard", "fec0::1", "100::1"],
    ["IPv4 inside: mapped", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1", "::127.0.0.1"],
    [
      "IPv4 inside: NAT64",
      "64:ff9b::10.0.0.1",
      "64:ff9b::a9fe:a9fe",
      "64:ff9b::1",
      "64:ff9b::",
      "64:ff9b:1::1",
    ],
    ["IPv4 inside: 6to4 and Teredo", "2002:7f00:1::1", "2002:808:808::1", "2001:0:1::1"],
    ["no address", "", "example.org", "1.2.3", "[::1]", "0x7f.1"],
  ] as const;
  for (const [what, ...addresses] of notPublic) {
    test(`is none that is ${what}`, () => {
      for (const address of addresses) assert.equal(isPublicAddress(address), false, address);
    });
  }

  test("is every other, also one that was mapped or translated from IPv4", () => {
    const addresses = [
      "8.8.8.8",
      "1.1.1.1",
      "172.15.0.1",
      "172.32.0.1",
      "100.63.0.1",
      "100.128.0.1",
      "168.63.129.17",
    ];
    const longer = [
      "2606:4700::1111",
      "2a00:1450:4001::1",
      "::ffff:8.8.8.8",
      "64:ff9b::8.8.8.8",
      "64:ff9b::808:808",
    ];
    for (const address of [...addresses, ...longer]) assert.equal(isPublicAddress(address), true, address);
  });
});

test("a range is reserved where all of it is", () => {
  const isReserved = (text: string) => isReservedRange(parseIpRange(text)!);
  for (const text of [
    "10.0.0.0/8",
    "10.1.2.3",
    "127.0.0.0/8",
    "fd00::/8",
    "::1",
    "::ffff:10.0.0.0/104",
    "fe80::/10",
  ])
    assert.equal(isReserved(text), true, text);
  for (const text of ["0.0.0.0/0", "::/0", "8.8.8.8", "10.0.0.0/7", "2000::/3", "::ffff:0:0/96"])
    assert.equal(isReserved(text), false, text);
});
