import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type * as z from "zod";
import { SandglassError } from "../errors.ts";
import { CreateKeyRequest, ExporterSpec, FlushRequest, parseRequest, RemoveExporterQuery } from "./index.ts";

function refuse(why: string, schema: z.ZodType, value: unknown, message: RegExp): void {
  test(`refuses ${why}`, () => {
    assert.throws(
      () => parseRequest(schema, value),
      (error: unknown) => error instanceof SandglassError && message.test(error.message),
    );
  });
}

describe("an exporter's specification", () => {
  test("is taken whole, the provider's own configuration as it is", () => {
    const spec = {
      id: "audit.2",
      provider: "my-exporter",
      config: { token: { env: "TOKEN" }, deep: [{ any: 1 }] },
      filter: { types: ["exec.*", "!exec.streamed"], minLevel: "warn", where: "data.exitCode != 0" },
      startAt: "2026-04-18T14:00:00Z",
      required: true,
    };
    assert.deepEqual(parseRequest(ExporterSpec, spec), spec);
    assert.deepEqual(
      parseRequest(ExporterSpec, { provider: "otel", startAt: "earliest" }).startAt,
      "earliest",
    );
  });

  const provider = "webhook";
  refuse("one without a provider", ExporterSpec, {}, /^provider is missing$/);
  refuse(
    "a misspelt field",
    ExporterSpec,
    { provider, filtr: {} },
    /^unknown field "filtr"; did you mean "filter"\?$/,
  );
  refuse(
    "an id that no URL holds as it is",
    ExporterSpec,
    { provider, id: "../x" },
    /^id must be a letter or digit/,
  );
  refuse(
    "a type that does not exist",
    ExporterSpec,
    { provider, filter: { types: ["exec.complete"] } },
    /did you mean "exec.completed"\?/,
  );
  refuse(
    "an unknown level",
    ExporterSpec,
    { provider, filter: { minLevel: "fatal" } },
    /^filter\.minLevel must be one of/,
  );
  refuse(
    "a function's place",
    ExporterSpec,
    { provider, filter: { condition: "x" } },
    /^unknown field "condition"/,
  );
  refuse(
    "a time that is none",
    ExporterSpec,
    { provider, startAt: "yesterday" },
    /^startAt must be "earliest", "latest" or a time/,
  );
  refuse(
    "a configuration of more than 64 KiB",
    ExporterSpec,
    { provider, config: { a: "x".repeat(65_536) } },
    /^config must be at most 64 KiB$/,
  );

  test("does not repeat what may be a secret", () => {
    const wrong = { provider: 7, config: "hunter2", startAt: "hunter2", id: "hunter2!" };
    assert.throws(
      () => parseRequest(ExporterSpec, wrong),
      (error: unknown) => error instanceof SandglassError && !error.message.includes("hunter2"),
    );
  });
});

describe("flushing and removing", () => {
  test("take nothing at all", () => {
    assert.deepEqual(parseRequest(FlushRequest, undefined), {});
    assert.deepEqual(parseRequest(RemoveExporterQuery, {}), { forget: false });
    assert.deepEqual(parseRequest(RemoveExporterQuery, { forget: "true" }), { forget: true });
  });
  refuse("an empty choice", FlushRequest, { ids: [] }, /^ids must have at least 1 items$/);
  refuse(
    "an hour",
    FlushRequest,
    { timeoutMs: 3_600_000 },
    /^timeoutMs must be between 0 and 600000 milliseconds/,
  );
});

describe("a key's scopes", () => {
  refuse(
    "one that does not exist",
    CreateKeyRequest,
    { name: "x", scopes: ["root"] },
    /^scopes\[0\] must be one of sandboxes:read, sandboxes:write, events:read, admin/,
  );
});
