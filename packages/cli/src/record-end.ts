import { randomBytes } from "node:crypto";
import { type ConnectionOptions, clientOf } from "./connection.ts";

/** A daemon that records nothing never shows the request that is waited for. */
const PATIENCE_MS = 3_000;

/**
 * The cursor of this moment: that of a request of our own. Every request is an event, a trace id of its own finds it
 * without reading what is before, and nothing that happens after the request can be missed.
 *
 * @returns undefined where the request does not appear in the record
 */
export async function endOfRecord(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const traceId = randomBytes(16).toString("hex");
  const traceparent = `00-${traceId}-${randomBytes(8).toString("hex")}-00`;
  await clientOf(options, { traceparent }).sandboxes.list({ limit: 1, signal });
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const waiting = AbortSignal.any([signal, patience]);
  try {
    for await (const { cursor } of clientOf(options).events({
      traceId,
      follow: true,
      limit: 1,
      signal: waiting,
    })) {
      return cursor;
    }
  } catch (error) {
    if (!patience.aborted || signal.aborted) throw error;
  }
  return undefined;
}
