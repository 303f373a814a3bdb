import assert from "node:assert/strict";
import { test } from "node:test";
import { hostHeader, hostOf, targetOfAuthority, targetOfUrl } from "./egress-target.ts";

const seen = (text: string): string | undefined => {
  const target = targetOfAuthority(text);
  return target && `${target.host.kind} ${hostOf(target)} ${target.port}`;
};

test("an address in any notation is the address that a resolver would make of it", () => {
  const loopback = "address 127.0.0.1 80";
  for (const host of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::127.0.0.1]",
  ])
    assert.equal(seen(`${host}:80`), loopback, host);
  assert.equal(seen("[::1]:80"), "address ::1 80");
  assert.equal(seen("[0:0:0:0:0:0:0:1]:80"), "address ::1 80");
});

test("a name is in lower case and without the dot of a full name", () => {
  assert.equal(seen("PyPI.org.:443"), "name pypi.org 443");
  assert.equal(seen("xn--bcher-kva.example:443"), "name xn--bcher-kva.example 443");
});

test("what is written in any other way is no destination", () => {
  const hosts = [
    "user@pypi.org",
    "user:secret@pypi.org",
    "pypi%2eorg",
    "pypi.org%00.evil",
    "pypi.org\0",
    "pypi org",
    "a..b",
    "-a.b",
    "..",
    "",
    "b\u00fccher.example",
    "１27.0.0.1",
  ];
  const addresses = [
    "256.0.0.1",
    "1.2.3.4.5",
    "[::1%25lo]",
    "[fe80::1%eth0]",
    "[127.0.0.1]",
    "[::1",
    "::1",
    "99999999999",
  ];
  for (const host of [...hosts, ...addresses])
    assert.equal(seen(`${host}:80`), undefined, JSON.stringify(host));
  for (const text of [
    "pypi.org",
    "pypi.org:",
    "pypi.org:0",
    "pypi.org:65536",
    "pypi.org:443/x",
    "http://pypi.org:80",
  ])
    assert.equal(seen(text), undefined, text);
});

test("a URL says where to go and what to ask for, and nothing else in it counts", () => {
  const urlSeen = (url: string) => {
    const found = targetOfUrl(url);
    return found && [hostHeader(found.target), found.path];
  };
  assert.deepEqual(urlSeen("http://pypi.org"), ["pypi.org", "/"]);
  assert.deepEqual(urlSeen("HTTP://PYPI.org:8080/a%2Fb?q=@x#frag"), ["pypi.org:8080", "/a%2Fb?q=@x"]);
  assert.deepEqual(urlSeen("http://pypi.org?x=http://evil/"), ["pypi.org", "/?x=http://evil/"]);
  assert.deepEqual(urlSeen("http://[::1]/"), ["[::1]", "/"]);
  for (const url of [
    "/simple/",
    "https://pypi.org/",
    "http:///x",
    "http://a@pypi.org/",
    "http://pypi.org\\@evil/",
    "ftp://pypi.org/",
    "http://pypi.org:99999/",
    "*",
  ])
    assert.equal(urlSeen(url), undefined, url);
});
