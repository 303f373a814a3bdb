import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  compileFilter,
  contextFromHeaders,
  isSpanId,
  isTraceId,
  parseTypes,
  SandglassError,
} from "@sandglass/protocol";
import * as schemas from "@sandglass/protocol/schemas";
import fc from "fast-check";
import { z } from "zod";
import { arbitraryFor, hostileJson, TRICKY_TEXTS } from "./arbitrary-json.ts";
import { fuzzing } from "./fuzz-seed.ts";
import { SCHEMAS } from "./openapi-operations.ts";

const RUNS = 300;
/** What once was found or looks as if it would be: each run replays it. */
const CORPUS: readonly string[] = JSON.parse(
  readFileSync(new URL("corpus/texts.json", import.meta.url), "utf8"),
);
const EXAMPLES = [...CORPUS, ...TRICKY_TEXTS].map((text): [string] => [text]);

const pieces = fc.constantFrom(
  "exec",
  ".",
  "*",
  "!",
  ",",
  ";",
  "=",
  "-",
  "%",
  "00",
  "ff",
  "__proto__",
  "a",
  "@",
  " ",
  "\t",
);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join("")),
  fc
    .constantFrom(...CORPUS)
    .chain((known) =>
      fc
        .tuple(fc.nat(known.length), fc.string())
        .map(([at, more]) => known.slice(0, at) + more + known.slice(at + 1)),
    ),
);

/** Runs, or refuses as the catalogue has it; leaves every object's prototype as it was. */
function refusesOr<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
    return undefined;
  } finally {
    assert.deepEqual(Object.keys(Object.prototype), []);
    assert.equal(({} as { admin?: unknown }).admin, undefined);
  }
}

test("whatever stands in trace headers, there is a valid place in a trace", (t) => {
  fc.assert(
    fc.property(text, text, text, (traceparent, tracestate, baggage) => {
      const context = contextFromHeaders({ traceparent, tracestate, baggage });
      assert.ok(isTraceId(context.traceId));
      assert.ok(context.parentSpanId === "" || isSpanId(context.parentSpanId));
      assert.doesNotMatch(JSON.stringify([context.tracestate, context.baggage]), /\\r|\\n|\\u0000/);
    }),
    { ...fuzzing(t, RUNS), examples: EXAMPLES.map(([each]): [string, string, string] => [each, each, each]) },
  );
});

test("a filter's text is a list of patterns that can match, or refused", (t) => {
  fc.assert(
    fc.property(text, (given) => {
      const types = refusesOr(() => parseTypes(given));
      if (types !== undefined) assert.equal(typeof compileFilter({ types }), "function");
    }),
    { ...fuzzing(t, RUNS), examples: EXAMPLES },
  );
});

/** Every body and every line of events that is sent to the daemon, and every query. */
const REQUESTS = Object.entries<unknown>(schemas).filter(
  (entry): entry is [string, z.ZodType] =>
    entry[1] instanceof z.ZodType && /(Request|Query|Spec|Input(Schema)?)$/.test(entry[0]),
);

test("what a request may hold is taken, or refused in the words of the catalogue", async (t) => {
  assert.ok(REQUESTS.length > 10);
  for (const [name, schema] of REQUESTS) {
    await t.test(name, (inner) => {
      const own = SCHEMAS[name];
      const value = own === undefined ? hostileJson : fc.oneof(arbitraryFor(own, SCHEMAS), hostileJson);
      fc.assert(
        fc.property(value, (given) => {
          const sent: unknown = JSON.parse(JSON.stringify(given) ?? "null");
          refusesOr(() => schemas.parseRequest(schema, sent));
        }),
        fuzzing(inner, RUNS / 3),
      );
    });
  }
});
