import * as z from "zod";

export type Json = Record<string, unknown>;

/**
 * JSON Schema (2020-12) of named schemas, which refer to each other by `prefix` + name. As a sender sees them: a default
 * makes a field optional.
 */
export function namedJsonSchemas(
  schemas: Readonly<Record<string, z.ZodType>>,
  prefix: string,
): Record<string, Json> {
  const registry = z.registry<{ id?: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: converted } = z.toJSONSchema(registry, { io: "input", uri: (id) => prefix + id });
  return Object.fromEntries(Object.entries(converted).map(([name, schema]) => [name, withoutMarks(schema)]));
}

/** JSON Schema of a query's field as it is meant: the number that the text stands for. */
export function fieldJsonSchema(field: z.core.$ZodType): Json {
  return withoutMarks(z.toJSONSchema(field, { io: "output", unrepresentable: "any" }));
}

function withoutMarks(schema: object): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"));
}
