import assert from "node:assert/strict";
import { isIP, isIPv4, isIPv6 } from "node:net";
import {
  formatIpAddress,
  isPublicIp,
  meantAddress,
  parseEgressRule,
  parseIpAddress,
} from "@sandglass/protocol";
import {
  addressRefusal,
  type EgressTarget,
  egressPolicy,
  refusalOf,
} from "../../../packages/runtime/src/egress/egress-policy.ts";
import {
  hostHeader,
  hostOf,
  targetOfAuthority,
  targetOfUrl,
} from "../../../packages/runtime/src/egress/egress-target.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { numberedAddress } from "./numbered-address.ts";

const PUBLIC = egressPolicy({ default: "allow" }, false);

/** Destinations of requests and entries of policies, in whatever notation. */
export const addresses: FuzzTarget = {
  name: "addresses",
  watched: [
    "/egress/egress-target.ts",
    "/egress/egress-policy.ts",
    "/protocol/src/ip-",
    "/protocol/src/egress-rule.ts",
  ],
  words: [
    ...[
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "169.254.169.254",
      "10.0.0.1",
      "1.1.1.1",
      ".",
      ":",
    ],
    ...[
      "[::1]",
      "[::ffff:127.0.0.1]",
      "[64:ff9b::7f00:1]",
      "[fe80::1%25lo]",
      "::",
      "[",
      "]",
      "%",
      "@",
      "#",
      "?",
      "\\",
    ],
    ...[
      ":80",
      ":443",
      ":0",
      ":65536",
      "http://",
      "https://",
      "//",
      "/",
      "*",
      "*.",
      "/8",
      "/128",
      "localhost",
      "0x",
    ],
    ...[
      "pypi.org",
      "xn--",
      "ü",
      "。",
      "１",
      "\u00ad",
      "a".repeat(64),
      "0".repeat(20),
      "00",
      "e1",
      "-",
      "_",
      " ",
      "\0",
    ],
  ],
  seeds: [
    "127.0.0.1:80",
    "pypi.org:443",
    "http://[::1]:8080/a?b",
    "*.github.com:*",
    "10.0.0.0/8",
    "::ffff:10.0.0.1",
    "7.0.0.1::",
  ],
  check(input) {
    const text = input.toString("utf8");
    const seen = [
      checkAddress(text),
      checkRule(text),
      checkTarget(targetOfAuthority(text), text),
      checkUrl(text),
    ];
    return seen.join(" ");
  },
};

function checkAddress(text: string): string {
  const address = parseIpAddress(text);
  // A zone says which of the machine's own networks, which is nothing that comes from elsewhere.
  if (!text.includes("%"))
    assert.equal(address?.family ?? 0, isIP(text), "an address to one of the two alone");
  if (address === undefined) return "-";
  const written = formatIpAddress(address);
  assert.deepEqual(parseIpAddress(written), address);
  if (address.family === 6) assert.ok(isIPv6(written) && new URL(`http://[${text}]`).hostname.length > 0);
  else assert.ok(isIPv4(written));
  assert.deepEqual(meantAddress(meantAddress(address)), meantAddress(address));
  return `${address.family}${isPublicIp(address)}`;
}

function checkRule(text: string): string {
  try {
    const { host, port } = parseEgressRule(text);
    assert.ok(port === undefined || port === "any" || (port > 0 && port < 65_536));
    if (host.kind === "range") assert.ok(host.range.first <= host.range.last && host.range.first >= 0n);
    if (host.kind === "name" || host.kind === "subdomains") assertName(host.name);
    return host.kind;
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return "no rule";
  }
}

/** A name as it is compared, that nothing takes for an address: the C library and the URL standard are lenient. */
function assertName(name: string): void {
  assert.match(name, /^[a-z0-9._-]{1,253}$/);
  assert.equal(numberedAddress(name), undefined, `the C library takes ${name} for an address`);
  const url = `http://${name}/`;
  if (URL.canParse(url))
    assert.equal(isIP(new URL(url).hostname), 0, `a browser takes ${name} for an address`);
}

function checkTarget(target: EgressTarget | undefined, text: string): string {
  if (target === undefined) return "-";
  const { host, port } = target;
  assert.ok(Number.isInteger(port) && port > 0 && port < 65_536);
  if (host.kind === "name") assertName(host.name);
  else {
    assert.deepEqual(meantAddress(host.address), host.address, "an address that means another");
    const written = /^(.*):\d+$/.exec(text)?.[1] ?? "";
    const numbers = numberedAddress(written.replace(/\.$/, ""));
    if (numbers !== undefined) assert.equal(hostOf(target), numbers, "another address than the C library's");
    if (!isPublicIp(host.address)) {
      // By the whole of what decides: before an address is known, and once it is.
      const refusal = refusalOf(PUBLIC, target) ?? addressRefusal(PUBLIC, target, host.address, false);
      assert.equal(refusal, "not_public", "an address that is not public is let out");
    }
  }
  const sent = hostHeader(target);
  assert.match(sent, /^[\x21-\x7e]+$/);
  const again = targetOfAuthority(port === 80 ? `${sent}:80` : sent);
  assert.deepEqual(again, target, "its Host field names another");
  return host.kind;
}

function checkUrl(text: string): string {
  const found = targetOfUrl(text);
  if (found === undefined) return "-";
  assert.ok(found.path.startsWith("/") && !found.path.includes("#"));
  return `url ${checkTarget(found.target, "")}`;
}
