import * as z from "zod";
import { ROUTES, type RouteDefinition } from "../src/index.ts";
import * as schemas from "../src/schemas/index.ts";
import { fieldJsonSchema, type Json, namedJsonSchemas } from "./json-schema.ts";

const PREFIX = "#/components/schemas/";
const MEDIA_TYPE = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  bytes: "application/octet-stream",
  text: "text/plain",
  html: "text/html",
} as const;

/** Named for what they are of where the export's name says how they are kept. */
const RENAMED: Readonly<Record<string, string>> = {
  RuntimeEventSchema: "RuntimeEvent",
  RunEventInputSchema: "RunEventInput",
};

const named = new Map<string, z.ZodType>();
for (const [name, value] of Object.entries(schemas)) {
  if (value instanceof z.ZodType && /^[A-Z]/.test(name)) named.set(RENAMED[name] ?? name, value);
}

/** `spec/openapi.json`: the routes and every schema they name. */
export function openapi(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries<RouteDefinition>(ROUTES)) {
    const path = route.path.replace("+}", "}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sandglass",
      version,
      summary: "Run AI agents' code in sandboxes you can see through.",
      description:
        "A `traceparent` that is missing or invalid starts a new trace and is never an error. " +
        "Every answer names its request in `x-request-id` and its span in `traceresponse`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:7070", description: "The daemon's default address" }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "An API key; what each operation lists is the scope that it needs, and `admin` has them all",
        },
      },
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: { Error: answer("What went wrong, and what to do about it", "json", "ErrorBody") },
      schemas: usedSchemas(paths),
    },
  };
}

function operation(name: string, route: RouteDefinition): Json {
  const parameters = [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)];
  return {
    operationId: name,
    summary: route.summary,
    tags: [tagOf(route.path)],
    security: route.isPublic === true ? [] : [{ bearer: [route.scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(route),
    responses: {
      [route.status]: answer(route.summary, route.response, route.responseSchema),
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function tagOf(path: string): string {
  if (!path.startsWith("/v1/")) return "host";
  const [, , first = "", , second] = path.split("/");
  if (second === "files") return "files";
  return second?.startsWith("exec") === true ? "execs" : first;
}

function pathParameters(route: RouteDefinition): Json[] {
  return [...route.path.matchAll(/\{(\w+)(\+?)\}/g)].map(([, name, isRest]) => ({
    name,
    in: "path",
    required: true,
    ...(isRest === "+"
      ? { description: "A path in the sandbox; takes the rest of the URL, slashes included." }
      : {}),
    schema: { type: "string" },
  }));
}

function queryParameters(route: RouteDefinition): Json[] {
  if (route.querySchema === undefined) return [];
  const query = schemaOf(route.querySchema);
  if (!(query instanceof z.ZodObject)) throw new TypeError(`${route.querySchema} is no object`);
  return Object.entries(query.shape).map(([name, field]) => {
    const schema = fieldJsonSchema(field);
    const style = schema.type === "array" ? { style: "form", explode: false } : {};
    const isOptional = z.safeParse(field, undefined).success;
    return { name, in: "query", required: !isOptional, ...style, schema };
  });
}

function headerParameters(route: RouteDefinition): Json[] {
  const names = route.isProbe === true ? [] : ["traceparent", "tracestate", "baggage"];
  if (route.method === "POST") names.push("idempotency-key");
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

function requestBody(route: RouteDefinition): Json {
  if (route.request === "none") return {};
  const { requestSchema } = route;
  const required = requestSchema === undefined || !schemaOf(requestSchema).safeParse({}).success;
  return { requestBody: { required, content: content(route.request, requestSchema) } };
}

function answer(description: string, kind: RouteDefinition["response"], schema?: string): Json {
  const names = ["x-request-id", "traceresponse", ...(schema === "StreamEvent" ? ["x-exec-id"] : [])];
  return {
    description,
    headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    ...(kind === "none" ? {} : { content: content(kind, schema) }),
  };
}

/** Of NDJSON, the schema is that of one line. */
function content(kind: Exclude<RouteDefinition["response"], "none">, schema: string | undefined): Json {
  if (schema !== undefined) return { [MEDIA_TYPE[kind]]: { schema: { $ref: PREFIX + schema } } };
  if (kind === "bytes") return { [MEDIA_TYPE[kind]]: {} };
  return { [MEDIA_TYPE[kind]]: { schema: { type: kind === "json" ? "object" : "string" } } };
}

function schemaOf(name: string): z.ZodType {
  const schema = named.get(name);
  if (schema === undefined)
    throw new TypeError(`routes name the schema ${name}, which schemas/ does not have`);
  return schema;
}

/** Those that the paths lead to, by name. */
function usedSchemas(paths: Json): Json {
  const bodies = [...named]
    .filter(([name]) => !name.endsWith("Query"))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const all = namedJsonSchemas(Object.fromEntries(bodies), PREFIX);
  const used = new Set<string>();
  const pending: unknown[] = [paths, all.ErrorBody];
  used.add("ErrorBody");
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [, name = ""] of JSON.stringify(next).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (used.has(name)) continue;
      schemaOf(name);
      used.add(name);
      pending.push(all[name]);
    }
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name)));
}

function header(description: string): Json {
  return { description, schema: { type: "string" } };
}

const HEADERS: Json = {
  "x-request-id": header("Names the request in logs, events and errors"),
  "x-exec-id": header("Names the exec from the first byte"),
  traceresponse: header("The request's own span, in the form of a traceparent"),
};

const PARAMETERS: Json = Object.fromEntries(
  Object.entries({
    traceparent: "W3C Trace Context: the caller's span becomes the parent",
    tracestate: "W3C Trace Context: passed on to what runs in the sandbox",
    baggage: "W3C Baggage: passed on to what runs in the sandbox",
    "idempotency-key": "A retry with the same key repeats the answer, not the action",
  }).map(([name, description]) => [name, { name, in: "header", required: false, ...header(description) }]),
);
