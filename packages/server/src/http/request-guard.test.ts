import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { createRequestGuard } from "./request-guard.ts";

/** The refusal's code, or "ok". */
function judge(
  headers: Record<string, string>,
  listenHost = "127.0.0.1",
  allowedHosts: string[] = [],
): string {
  try {
    createRequestGuard(listenHost, allowedHosts)({ headers } as unknown as IncomingMessage);
    return "ok";
  } catch (error) {
    assert.ok(error instanceof SandglassError);
    return error.code;
  }
}

test("loopback names, with any port, are served", () => {
  for (const host of ["127.0.0.1:7070", "localhost", "LOCALHOST:1", "[::1]:7070", "[::1]"])
    assert.equal(judge({ host }), "ok", host);
});

test("a name that a page may have pointed at us is refused, and so is none", () => {
  for (const host of [
    "evil.example",
    "evil.example:7070",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "",
    "[::2]",
    "[",
    "::1",
  ]) {
    assert.equal(judge({ host }), host === "::1" ? "ok" : "HOST_NOT_ALLOWED", host);
  }
  assert.equal(judge({}), "HOST_NOT_ALLOWED");
});

test("what is no host is refused, also behind a name that is one: links are made of it", () => {
  for (const host of [
    "127.0.0.1:1@evil.example",
    '127.0.0.1:"><script>',
    "[::1]evil.example",
    "localhost:7070/x",
  ]) {
    assert.equal(judge({ host }), "HOST_NOT_ALLOWED", host);
    assert.equal(judge({ host }, "0.0.0.0", ["*"]), "HOST_NOT_ALLOWED", host);
  }
});

test("configured names are served too, and every name where that is asked for", () => {
  assert.equal(judge({ host: "sandbox.corp:7070" }, "127.0.0.1", ["Sandbox.corp"]), "ok");
  assert.equal(judge({ host: "sandbox.corp" }, "sandbox.corp"), "ok");
  assert.equal(judge({ host: "anything" }, "127.0.0.1", ["*"]), "ok");
});

test("a daemon for other machines is reached by its addresses, which cannot be rebound", () => {
  assert.equal(judge({ host: "10.0.0.7:7070" }, "0.0.0.0"), "ok");
  assert.equal(judge({ host: "[fd00::1]:7070" }, "::"), "ok");
  assert.equal(judge({ host: "evil.example" }, "0.0.0.0"), "HOST_NOT_ALLOWED");
});

test("a page of another origin is refused, however it asks", () => {
  const host = "127.0.0.1:7070";
  for (const origin of [
    "http://evil.example",
    "http://127.0.0.1:3000",
    "https://localhost:7070",
    "null",
    "file://",
    "",
  ]) {
    assert.equal(judge({ host, origin }), "ORIGIN_NOT_ALLOWED", origin);
  }
  for (const site of ["cross-site", "same-site"])
    assert.equal(judge({ host, "sec-fetch-site": site }), "ORIGIN_NOT_ALLOWED");
});

test("our own pages and programs are served", () => {
  const host = "127.0.0.1:7070";
  assert.equal(judge({ host, origin: "http://127.0.0.1:7070", "sec-fetch-site": "same-origin" }), "ok");
  assert.equal(judge({ host, "sec-fetch-site": "none" }), "ok");
});
