import assert from "node:assert/strict";
import { test } from "node:test";
import { pathOf } from "./call.ts";

const fileAt = (path: string): string =>
  pathOf({ route: "readFile", params: { id: "sbx_1", path } }).replace("/v1/sandboxes/sbx_1/files/", "");

test("names of a path are encoded, so that none can reach another route", () => {
  assert.equal(pathOf({ route: "getSandbox", params: { id: "../keys?x" } }), "/v1/sandboxes/..%2Fkeys%3Fx");
});

test("an id that is empty is refused by its name", () => {
  const message = "the sandbox's id is empty";
  assert.throws(() => pathOf({ route: "getSandbox", params: { id: "" } }), {
    code: "INVALID_REQUEST",
    message,
  });
  assert.throws(
    () => pathOf({ route: "getExec", params: { id: "sbx_1", execId: "" } }),
    /the exec's id is empty/,
  );
});

test("a file path keeps its slashes, and an absolute one its first as %2F", () => {
  assert.equal(fileAt("data/my file#1.csv"), "data/my%20file%231.csv");
  assert.equal(fileAt("/etc/hosts"), "%2Fetc/hosts");
  assert.equal(fileAt("/"), "%2F");
});

test("dots in a file path are resolved before a URL parser on the way can do it", () => {
  assert.equal(fileAt("./a/../b//c"), "b/c");
  assert.equal(fileAt("../etc/passwd"), "%2Fetc/passwd");
  assert.equal(fileAt("/a/../../b"), "%2Fb");
  assert.equal(fileAt("..."), "...");
});

test("query values that are undefined or empty lists are left out, lists are repeated", () => {
  const query = { types: ["exec.*", "sandbox.*"], after: undefined, follow: true, limit: 0 };
  assert.equal(
    pathOf({ route: "listEvents", query }),
    "/v1/events?types=exec.*&types=sandbox.*&follow=true&limit=0",
  );
  assert.equal(pathOf({ route: "listEvents", query: { types: [] } }), "/v1/events");
});
