import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { eventsSchema } from "../scripts/events-schema.ts";
import { openapi } from "../scripts/openapi.ts";
import { sampleEvent } from "./event-samples.ts";
import { EVENT_TYPES } from "./events.ts";
import { ROUTES, type RouteDefinition } from "./routes.ts";

const spec = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../../spec/${file}`, import.meta.url), "utf8"));
const document = spec("openapi.json");

describe("spec/openapi.json", () => {
  test("is OpenAPI 3.1 to an independent validator", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.deepEqual(result.errors ?? [], []);
    assert.ok(result.valid);
    assert.equal(validator.version, "3.1");
  });

  test("is what the routes say", () => {
    assert.deepEqual(document, JSON.parse(JSON.stringify(openapi(document.info.version))));
  });

  test("has every route under its name, once", () => {
    const operations = Object.values<Record<string, { operationId: string }>>(document.paths)
      .flatMap((path) => Object.values(path))
      .map((operation) => operation.operationId);
    assert.deepEqual(operations.toSorted(), Object.keys(ROUTES).toSorted());
  });

  test("every reference leads to something, and every schema is referred to", () => {
    const text = JSON.stringify(document);
    const references = new Set(
      [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer = ""]) => pointer),
    );
    for (const pointer of references) {
      const target = pointer.split("/").reduce((node, key) => node?.[key], document);
      assert.ok(target !== undefined, pointer);
    }
    for (const name of Object.keys(document.components.schemas)) {
      assert.ok(references.has(`components/schemas/${name}`), name);
    }
  });

  test("every schema in it compiles, and takes what the API takes", () => {
    const ajv = addFormats.default(new Ajv2020({ strict: false }));
    ajv.addSchema(document, "openapi");
    for (const name of Object.keys(document.components.schemas)) {
      assert.ok(ajv.getSchema(`openapi#/components/schemas/${name}`) !== undefined, name);
    }
    const takes = (name: string, value: unknown) =>
      ajv.validate({ $ref: `openapi#/components/schemas/${name}` }, value);
    assert.ok(takes("ExecRequest", { code: "print(1)" }));
    assert.ok(!takes("ExecRequest", { code: "print(1)", command: "ls" }));
    assert.ok(!takes("ExecRequest", {}));
    assert.ok(!takes("CreateSandboxRequest", { memoryMB: 512 }));
    assert.ok(!takes("CreateSandboxRequest", { memoryMb: 8 }));
    assert.ok(takes("KillRequest", {}));
    assert.ok(takes("EventLine", { ...sampleEvent("exec.completed"), cursor: "abc" }));
  });

  test("POST takes an Idempotency-Key, and only public routes need no key", () => {
    for (const [name, route] of Object.entries<RouteDefinition>(ROUTES)) {
      const operation = document.paths[route.path.replace("+}", "}")][route.method.toLowerCase()];
      const text = JSON.stringify(operation.parameters ?? []);
      assert.equal(text.includes("idempotency-key"), route.method === "POST", name);
      assert.deepEqual(operation.security, route.isPublic === true ? [] : [{ bearer: [route.scope] }], name);
    }
  });
});

describe("spec/events.schema.json", () => {
  const schema = spec("events.schema.json");
  const ajv = addFormats.default(new Ajv2020({ allErrors: true }));
  const validate = ajv.compile(schema);

  test("is what the event schemas say", () => {
    assert.deepEqual(schema, JSON.parse(JSON.stringify(eventsSchema())));
  });

  for (const type of EVENT_TYPES) {
    test(`takes a ${type}, and refuses it without what is required`, () => {
      const event = sampleEvent(type);
      assert.ok(validate(event), JSON.stringify(validate.errors));
      assert.ok(!validate({ ...event, data: {} }));
      assert.ok(!validate({ ...event, traceId: "" }));
    });
  }

  test("takes fields of a later version, and refuses an unknown type", () => {
    assert.ok(validate({ ...sampleEvent("exec.completed"), later: 1 }));
    assert.ok(!validate({ ...sampleEvent("exec.completed"), type: "exec.complete" }));
  });
});
