import type { Scope } from "../key-api.ts";

/** How a route's request body arrives or its answer leaves. */
export type BodyKind = "none" | "json" | "ndjson" | "bytes" | "text" | "html";

export interface RouteDefinition {
  method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "PATCH";
  /** OpenAPI template; `{path+}` takes the rest of the path, slashes included. */
  path: string;
  summary: string;
  /** What a key has to have; every route that is not public names one. `admin` has it all. */
  scope?: Scope;
  /** No key needed. */
  isPublic?: boolean;
  request: BodyKind;
  /** Name of the request's schema in `schemas/`, where `request` is "json". */
  requestSchema?: string;
  /** Name of the query's schema in `schemas/`. */
  querySchema?: string;
  response: BodyKind;
  responseSchema?: string;
  /** Status of the successful answer. */
  status: 200 | 201 | 204;
  /** Probes and scrapes: their `http.request` events are level debug. */
  isProbe?: boolean;
}
