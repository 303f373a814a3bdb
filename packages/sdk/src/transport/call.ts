import type { Attributes } from "@opentelemetry/api";
import type { ErrorCode, RouteName } from "@sandglass/protocol";
import { ROUTES, SandglassError } from "@sandglass/protocol";
import type { Operation } from "../otel/operation.ts";
import type { OperationName } from "../otel/operation-names.ts";
import type { Tracing } from "../tracing.ts";

type QueryValue = string | number | boolean | readonly string[] | undefined;

/** One call of the HTTP API, before it becomes bytes. */
export interface Call {
  /** Method and path come from the protocol's table. */
  route: RouteName;
  /** Values for the path's `{names}`; `{path+}` takes a file path. */
  params?: Readonly<Record<string, string>>;
  /** Left out where undefined; a list is repeated, since its values may hold commas. */
  query?: Readonly<Record<string, QueryValue>>;
  /** A JSON body. */
  json?: unknown;
  /** A body of bytes; one that can be iterated only once is never retried. */
  bytes?: Uint8Array | AsyncIterable<Uint8Array>;
  headers?: Readonly<Record<string, string>>;
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Until the answer is complete, or has begun where it is a stream; milliseconds, 0 is unlimited. Default: the client's `requestTimeoutMs`. */
  timeoutMs?: number;
  /** In which trace the call happens. */
  tracing?: Tracing | undefined;
  /** What it is called in telemetry; default: after its route. */
  name?: OperationName;
  /** Of its span, beside those that follow from the route and its parameters. */
  attributes?: Attributes;
  /** An error that its caller takes for an answer: no failure in telemetry. */
  expects?: ErrorCode;
  /** The operation it is a part of, which its caller ends. Default: one of its own. */
  operation?: Operation;
}

/**
 * The route's path with its parameters filled in and its query behind it.
 *
 * @throws SandglassError INVALID_REQUEST where an id is empty: it would be another route's path, or none
 */
export function pathOf(call: Call): string {
  const template = ROUTES[call.route].path;
  const path = template.replace(/\{(\w+)(\+?)\}/g, (_, name: string, isRest: string) => {
    const value = call.params?.[name] ?? "";
    if (isRest) return encodeFilePath(value);
    if (value === "") throw new SandglassError("INVALID_REQUEST", `the ${ownerOf(name)}'s id is empty`);
    return encodeURIComponent(value);
  });
  const query = queryOf(call.query);
  return query === "" ? path : `${path}?${query}`;
}

/** Whose id a parameter of a path is: `execId` is an exec's, the other names are sandboxes'. */
function ownerOf(parameter: string): string {
  return /^(.+)Id$/.exec(parameter)?.[1] ?? "sandbox";
}

/**
 * A file path as the rest of a URL path. A leading slash is written `%2F`: as `files//etc` it would not survive
 * a proxy that merges slashes, and silently name a file in the working directory instead.
 * `.` and `..` are resolved here because URL parsers on the way would do it their own way, and above `/files/`.
 */
function encodeFilePath(path: string): string {
  const isAbsolute = path.startsWith("/");
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === ".." && segments.length > 0 && segments.at(-1) !== "..") segments.pop();
    else if (segment === ".." && isAbsolute) continue;
    else segments.push(segment);
  }
  if (segments[0] === "..") return encodeFilePath(`${WORKING_DIRECTORY}/${segments.join("/")}`);
  const encoded = segments.map(encodeURIComponent).join("/");
  return isAbsolute ? `%2F${encoded}` : encoded || "%2E";
}

const WORKING_DIRECTORY = "/workspace";

function queryOf(query: Call["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    for (const item of [value].flat()) parameters.append(name, String(item));
  }
  return parameters.toString();
}
