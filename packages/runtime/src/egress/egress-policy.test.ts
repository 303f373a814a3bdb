import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type EgressOptions, parseIpAddress } from "@sandglass/protocol";
import { addressRefusal, egressPolicy, operatorRules, refusalOf } from "./egress-policy.ts";
import { targetOfAuthority } from "./egress-target.ts";

const nameRefusal = (options: EgressOptions, authority: string) =>
  refusalOf(egressPolicy(options, true), targetOfAuthority(authority)!);

function refusalAt(
  options: EgressOptions,
  address: string,
  { isTrusted = true, isOwn = false, port = 443 } = {},
): string | undefined {
  const target = targetOfAuthority(`some.example:${port}`)!;
  return addressRefusal(egressPolicy(options, isTrusted), target, parseIpAddress(address)!, isOwn);
}

describe("what an egress policy lets out by name", () => {
  test("is nothing where nothing is said", () => {
    for (const options of [{}, { default: "deny" as const }, { allow: [] }])
      assert.equal(nameRefusal(options, "pypi.org:443"), "not_allowed");
  });

  test("is what is allowed, on the ports of the web unless one is named", () => {
    const options = { allow: ["pypi.org", "db.example:5432", "any.example:*"] };
    for (const authority of ["pypi.org:443", "PYPI.ORG.:80", "db.example:5432", "any.example:1"])
      assert.equal(nameRefusal(options, authority), undefined, authority);
    for (const authority of [
      "pypi.org:22",
      "db.example:443",
      "www.pypi.org:443",
      "xpypi.org:443",
      "8.8.8.8:443",
    ])
      assert.equal(nameRefusal(options, authority), "not_allowed", authority);
  });

  test("is the names below a wildcard, not the name itself nor one that only ends alike", () => {
    const options = { allow: ["*.github.com"] };
    for (const authority of ["api.github.com:443", "a.b.github.com:443"])
      assert.equal(nameRefusal(options, authority), undefined, authority);
    for (const authority of ["github.com:443", "notgithub.com:443", "github.com.evil.example:443"])
      assert.equal(nameRefusal(options, authority), "not_allowed", authority);
  });

  test("is not what is denied, whatever allows it", () => {
    const options = {
      default: "allow" as const,
      allow: ["a.evil.example", "8.8.8.8"],
      deny: ["*.evil.example", "8.8.8.0/24"],
    };
    for (const authority of ["a.evil.example:443", "a.evil.example:8080", "8.8.8.8:443"])
      assert.equal(nameRefusal(options, authority), "denied", authority);
    const onePort = { default: "allow" as const, deny: ["pypi.org:80"] };
    assert.equal(nameRefusal(onePort, "pypi.org:80"), "denied");
    assert.equal(nameRefusal(onePort, "pypi.org:443"), undefined);
  });

  test("is all on the ports of the web where that is the default, others where they are named", () => {
    assert.equal(nameRefusal({ default: "allow" }, "pypi.org:443"), undefined);
    assert.equal(nameRefusal({ default: "allow" }, "pypi.org:22"), "not_allowed");
    assert.equal(nameRefusal({ allow: ["*:22"] }, "pypi.org:22"), undefined);
  });
});

describe("the address that is connected to", () => {
  test("is public, whatever name led there", () => {
    const open = { default: "allow" as const, allow: ["*:*", "some.example:*", "0.0.0.0/0:*", "[::/0]:*"] };
    for (const address of [
      "127.0.0.1",
      "169.254.169.254",
      "10.0.0.1",
      "100.64.0.1",
      "fd00:ec2::254",
      "::1",
      "::",
      "0.0.0.0",
    ])
      assert.equal(refusalAt(open, address), "not_public", address);
    for (const address of [
      "::ffff:127.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "224.0.0.1",
      "255.255.255.255",
      "fe80::1",
    ])
      assert.equal(refusalAt(open, address), "not_public", address);
    for (const address of ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
      assert.equal(refusalAt(open, address), undefined, address);
  });

  test("may be private where that address or its block is named, on the port that is named, by one who may", () => {
    const options = { allow: ["10.0.0.0/8:443", "127.0.0.1:8080"] };
    assert.equal(refusalAt(options, "10.1.2.3"), undefined);
    assert.equal(refusalAt(options, "::ffff:10.1.2.3"), undefined);
    assert.equal(refusalAt(options, "10.1.2.3", { port: 80 }), "not_public");
    assert.equal(refusalAt(options, "127.0.0.1", { port: 8080 }), undefined);
    assert.equal(refusalAt(options, "127.0.0.2", { port: 8080 }), "not_public");
    assert.equal(refusalAt(options, "10.1.2.3", { isTrusted: false }), "not_public");
  });

  test("is none of the host's own, but for one that is named alone", () => {
    assert.equal(refusalAt({ allow: ["*"] }, "8.8.8.8", { isOwn: true }), "not_public");
    assert.equal(refusalAt({ allow: ["8.8.8.0/24"] }, "8.8.8.8", { isOwn: true }), "not_public");
    assert.equal(refusalAt({ allow: ["8.8.8.8"] }, "8.8.8.8", { isOwn: true }), undefined);
    assert.equal(
      refusalAt({ allow: ["8.8.8.8"] }, "8.8.8.8", { isOwn: true, isTrusted: false }),
      "not_public",
    );
  });

  test("is in no block that is denied", () => {
    assert.equal(refusalAt({ default: "allow", deny: ["8.8.8.0/24"] }, "8.8.8.8"), "denied");
    assert.equal(refusalAt({ default: "allow", deny: ["8.8.8.0/24"] }, "64:ff9b::808:808"), "denied");
    assert.equal(refusalAt({ allow: ["10.0.0.0/8"], deny: ["10.0.0.1"] }, "10.0.0.1"), "denied");
  });
});

test("rules that name what is not public, or the host itself, are the operator's to give", () => {
  const allow = [
    "pypi.org",
    "*",
    "8.8.8.8",
    "0.0.0.0/0",
    "9.9.9.9",
    "10.0.0.0/8:*",
    "[::1]:80",
    "::ffff:192.168.0.1",
  ];
  const ours = parseIpAddress("9.9.9.9")!;
  const isOwn = ({ value }: { value: bigint }) => value === ours.value;
  assert.deepEqual(operatorRules({ allow, deny: ["10.0.0.1"] }, isOwn), [
    "9.9.9.9",
    "10.0.0.0/8:*",
    "[::1]:80",
    "::ffff:192.168.0.1",
  ]);
});
