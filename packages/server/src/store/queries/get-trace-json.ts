import type { Statements } from "../statements.ts";
import { getTrace } from "./get-trace.ts";

/**
 * A `TraceInfo` as the JSON that is sent. Printing fifty thousand spans takes a while, which nobody has to wait for in a thread of
 * its own. Undefined where the organisation has nothing of it.
 */
export function getTraceJson(
  statements: Statements,
  query: { orgId: string; traceId: string },
): Uint8Array<ArrayBuffer> | undefined {
  const trace = getTrace(statements, query);
  return trace && new TextEncoder().encode(JSON.stringify(trace));
}
