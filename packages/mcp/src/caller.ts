import {
  BAGGAGE_META_KEY,
  CLIENT_INFO_META_KEY,
  type ServerContext,
  TRACEPARENT_META_KEY,
  TRACESTATE_META_KEY,
} from "@modelcontextprotocol/server";
import type { TraceOptions } from "sandglass";

/** Who is at the other end, as it says of itself. */
export interface ClientIdentity {
  name: string;
  version: string;
}

const NOBODY: ClientIdentity = { name: "mcp", version: "" };
/** A run's name may not be longer. */
const MAX_NAME_CHARS = 200;

/**
 * Where the caller stands in a trace: what the request's `_meta` says (SEP-414), else the headers of the HTTP request it came in.
 * What is no string is taken as not there; whether it is valid is for the client to say.
 */
export function traceOf({ mcpReq, http }: ServerContext): TraceOptions {
  const meta: Readonly<Record<string, unknown>> = mcpReq._meta ?? {};
  const inMeta = {
    traceparent: text(meta[TRACEPARENT_META_KEY]),
    tracestate: text(meta[TRACESTATE_META_KEY]),
    baggage: text(meta[BAGGAGE_META_KEY]),
  };
  if (inMeta.traceparent !== undefined || http?.req === undefined) return inMeta;
  const { headers } = http.req;
  return {
    traceparent: headers.get("traceparent") ?? undefined,
    tracestate: headers.get("tracestate") ?? undefined,
    baggage: inMeta.baggage ?? headers.get("baggage") ?? undefined,
  };
}

/**
 * The client's name for itself: in each request by the revision of 2026-07-28, at the beginning of the session before that.
 *
 * @param introduced what it said when the session began
 */
export function identityOf(
  { mcpReq }: ServerContext,
  introduced: Readonly<{ name?: unknown; version?: unknown }> | undefined,
): ClientIdentity {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const said = envelope[CLIENT_INFO_META_KEY] as typeof introduced;
  const { name, version } = said ?? introduced ?? NOBODY;
  return {
    name: text(name)?.slice(0, MAX_NAME_CHARS) ?? NOBODY.name,
    version: text(version)?.slice(0, MAX_NAME_CHARS) ?? NOBODY.version,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
