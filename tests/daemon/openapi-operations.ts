import { readFileSync } from "node:fs";
import type { JsonSchema, Schemas } from "./arbitrary-json.ts";

interface Parameter {
  $ref?: string;
  name: string;
  in: "path" | "query" | "header";
  schema: JsonSchema;
}

/** One operation of `spec/openapi.json`, as a client that knows nothing else sees it. */
export interface Operation {
  name: string;
  method: string;
  path: string;
  /** What a key has to have; undefined where none is needed. */
  scope: string | undefined;
  pathNames: string[];
  query: { name: string; schema: JsonSchema }[];
  /** Of a JSON body; undefined where it takes none. */
  body: JsonSchema | undefined;
  takesBytes: boolean;
  /** Its answer goes on for as long as it is read. */
  isStream: boolean;
}

interface Described {
  operationId: string;
  security: { bearer: string[] }[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema?: JsonSchema }> };
  responses: Record<string, { content?: Record<string, unknown> }>;
}

const document = JSON.parse(readFileSync(new URL("../../spec/openapi.json", import.meta.url), "utf8")) as {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Schemas };
};

export const SCHEMAS: Schemas = document.components.schemas;

export const OPERATIONS: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => {
    const { operationId, security, parameters = [], requestBody, responses } = described;
    const own = parameters.filter(({ $ref }) => $ref === undefined);
    const types = Object.values(responses).flatMap(({ content = {} }) => Object.keys(content));
    return {
      name: operationId,
      method: method.toUpperCase(),
      path,
      scope: security[0]?.bearer[0],
      pathNames: own.filter((parameter) => parameter.in === "path").map(({ name }) => name),
      query: own.filter((parameter) => parameter.in === "query"),
      body: requestBody?.content["application/json"]?.schema,
      takesBytes: requestBody?.content["application/octet-stream"] !== undefined,
      isStream: types.includes("application/x-ndjson"),
    };
  }),
);
