import fc from "fast-check";

/** A JSON schema as `spec/openapi.json` has them. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  required?: string[];
  minimum?: number;
  maximum?: number;
}
export type Schemas = Readonly<Record<string, JsonSchema>>;

/** Names that mean something to JavaScript, to a path, to C, to a terminal. */
export const TRICKY_TEXTS: readonly string[] = [
  "",
  " ",
  ".",
  "..",
  "../../etc/passwd",
  "/etc/shadow",
  "\0",
  "a\0b",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "\ud800",
  "\u202e",
  "\r\nx-injected: 1",
  "\u001b[2J",
  "%s%n",
  "{{7*7}}",
  "';--",
  "x".repeat(70_000),
  "sbx_00000000000000000000000000",
  "key_config_victim",
];

const NUMBERS: readonly number[] = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e-300,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
];
const MAX_DEPTH = 4;

/** Anything at all, with a liking for what breaks programs. */
export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { "": null }),
  fc.constantFrom<unknown>(...TRICKY_TEXTS),
  fc.constantFrom<unknown>(...NUMBERS),
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer({ min: 1, max: 90 }).map(nested),
);

/** Mostly what the schema asks for, with fields missing, more than it knows, and here and there something else altogether. */
export function arbitraryFor(schema: JsonSchema, schemas: Schemas, depth = 0): fc.Arbitrary<unknown> {
  if (depth > MAX_DEPTH) return hostileJson;
  return fc.oneof(
    { weight: 6, arbitrary: fittingFor(schema, schemas, depth + 1) },
    { weight: 1, arbitrary: hostileJson },
  );
}

function fittingFor(schema: JsonSchema, schemas: Schemas, depth: number): fc.Arbitrary<unknown> {
  const next = (inner: JsonSchema) => arbitraryFor(inner, schemas, depth);
  if (schema.$ref !== undefined) return next(schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {});
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices !== undefined) return fc.oneof(...choices.map(next));
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "string":
      return fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom(...TRICKY_TEXTS));
    case "integer":
    case "number":
      return fc.oneof(fc.constantFrom(...NUMBERS), edgesOf(schema), fc.integer());
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(next(schema.items ?? {}), { maxLength: 5 });
    case "object":
      return objectFor(schema, next);
    default:
      return hostileJson;
  }
}

function objectFor(
  schema: JsonSchema,
  next: (inner: JsonSchema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const { properties = {}, additionalProperties, required = [] } = schema;
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, next(inner)])),
    {
      requiredKeys: required.filter((name) => name in properties),
    },
  );
  const value = typeof additionalProperties === "object" ? next(additionalProperties) : hostileJson;
  const more = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...TRICKY_TEXTS)), value, { maxKeys: 3 });
  const hasMore = Object.keys(properties).length === 0 ? 1 : 0.2;
  return fc
    .tuple(known, more, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean())
    .map(([own, others, dice, isShort]) => {
      const all = dice < hasMore ? { ...own, ...others } : own;
      return isShort && dice > 0.9 ? Object.fromEntries(Object.entries(all).slice(1)) : all;
    });
}

/** At the limits and just beyond them. */
function edgesOf({ minimum = 0, maximum = 100 }: JsonSchema): fc.Arbitrary<number> {
  return fc.constantFrom(minimum, minimum - 1, minimum + 1, maximum, maximum - 1, maximum + 1);
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
