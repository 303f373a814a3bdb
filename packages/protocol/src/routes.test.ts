import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES, type RouteDefinition } from "./routes.ts";

const routes = Object.entries<RouteDefinition>(ROUTES);

test("no two routes share a method and a path", () => {
  const keys = routes.map(([, route]) => `${route.method} ${route.path.replaceAll(/\{\w+/g, "{")}`);
  assert.equal(new Set(keys).size, keys.length);
});

test("a route that takes or gives JSON names the schema, and one that does not, none", () => {
  for (const [name, route] of routes) {
    assert.equal(route.requestSchema !== undefined, route.request === "json", name);
    if (route.response !== "json" && route.response !== "ndjson")
      assert.equal(route.responseSchema, undefined, name);
    else if (name !== "openapi") assert.ok(route.responseSchema !== undefined, name);
  }
});

test("only probes and the API's description need no key", () => {
  const open = routes.filter(([, route]) => route.isPublic === true).map(([name]) => name);
  assert.deepEqual(open, ["healthz", "readyz", "openapi"]);
});

test("every route that needs a key says which scope, and reading never needs one that writes", () => {
  for (const [name, route] of routes) {
    assert.equal(route.scope === undefined, route.isPublic === true, name);
    const isRead = route.method === "GET" || route.method === "HEAD";
    // Changes nothing: a link into the console is worth what its key is.
    if (name === "createConsoleLink") assert.equal(route.scope, "sandboxes:read");
    else if (isRead) assert.notEqual(route.scope, "sandboxes:write", name);
    else assert.ok(route.scope === "sandboxes:write" || route.scope === "admin", name);
  }
});
