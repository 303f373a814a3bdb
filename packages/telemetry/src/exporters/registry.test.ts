import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservabilityExporter } from "./custom/observability-exporter.ts";
import { ExporterRegistry } from "./registry.ts";

const OURS = ["axiom", "otel", "jsonl", "postgres", "console", "webhook"];
const nothing: ObservabilityExporter = {
  id: "nothing",
  initialize: () => undefined,
  export: async () => undefined,
  flush: async () => undefined,
  dispose: async () => undefined,
};

test("ours are there under their names", () => {
  const registry = ExporterRegistry.builtIn();
  assert.deepEqual(registry.providers, OURS);
  for (const provider of OURS) assert.equal(registry.find(provider).provider, provider);
});

test("a provider that is not known is named with the nearest that is, and with all of them", () => {
  const registry = ExporterRegistry.builtIn();
  assert.throws(() => registry.find("otle"), {
    code: "INVALID_REQUEST",
    message: 'unknown provider "otle"; did you mean "otel"?',
    hint: "it is one of axiom, otel, jsonl, postgres, console, webhook, or one that was registered before",
  });
  assert.throws(() => registry.find("carrier-pigeon"), {
    code: "INVALID_REQUEST",
    message: 'unknown provider "carrier-pigeon"; there are axiom, otel, jsonl, postgres, console, webhook',
  });
  // A property that every object has is no provider.
  assert.throws(() => registry.find("constructor"), { code: "INVALID_REQUEST" });
});

test("an exporter of the user's own is found by the name it was registered with, in that registry alone", async () => {
  const registry = ExporterRegistry.builtIn();
  registry.register("my-exporter", () => nothing);
  const definition = registry.find("my-exporter");
  const prepared = definition.prepare({}, { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] });
  await (await prepared.open({ checkpoint: undefined })).shutdown();
  assert.throws(() => registry.find("my-exporterr"), /did you mean "my-exporter"\?/);
  assert.throws(() => ExporterRegistry.builtIn().find("my-exporter"), { code: "INVALID_REQUEST" });
});

test("a name that is taken or cannot be one is refused, and what is no factory", () => {
  const registry = ExporterRegistry.builtIn();
  registry.register("mine", () => nothing);
  for (const name of ["otel", "mine"]) {
    assert.throws(() => registry.register(name, () => nothing), {
      code: "INVALID_REQUEST",
      message: `the provider "${name}" is there already`,
    });
  }
  for (const name of ["", "a b", "../x", "-x", "x".repeat(51), "é"]) {
    assert.throws(() => registry.register(name, () => nothing), { code: "INVALID_REQUEST" }, name);
  }
  const noFactory = nothing as unknown as () => ObservabilityExporter;
  assert.throws(() => registry.register("other", noFactory), /must be registered with a function/);
});
