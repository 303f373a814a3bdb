import type { DeadLetter, RuntimeEvent } from "@sandglass/protocol";
import type { TelemetryHead } from "../collector/telemetry-record.ts";

/** A line of a file of dead letters. */
export interface ParsedLetter {
  /** ISO 8601; "" where it does not say. */
  deadAt: string;
  /** Whose it is; "" where it does not say. */
  orgId: string;
  /** Undefined for a line that is none: cut off by a crash, or blanked because what it was about was deleted. */
  letter: DeadLetter | undefined;
}

const NONE: ParsedLetter = { deadAt: "", orgId: "", letter: undefined };

interface Written {
  deadAt?: unknown;
  reason?: unknown;
  event?: (RuntimeEvent & { type: string }) | (TelemetryHead & { body: string; type?: undefined }) | null;
}

/** What {@link DeadLetterFile} wrote: an event, or a request of telemetry, of which only the size is told. */
export function parseDeadLetter(line: string): ParsedLetter {
  let written: Written | null;
  try {
    written = JSON.parse(line) as Written | null;
  } catch (error) {
    if (error instanceof SyntaxError) return NONE;
    throw error;
  }
  const { deadAt, reason, event } = written ?? {};
  if (typeof deadAt !== "string" || typeof reason !== "string" || typeof event !== "object" || event === null)
    return NONE;
  const { orgId } = event;
  if (event.type !== undefined) return { deadAt, orgId, letter: { deadAt, reason, event } };
  const { signal, items, sandboxId, runId, receivedAt, body } = event;
  const telemetry = {
    signal,
    items,
    orgId,
    sandboxId,
    runId,
    receivedAt: new Date(receivedAt).toISOString(),
    sizeBytes: Buffer.byteLength(body, "base64"),
  };
  return { deadAt, orgId, letter: { deadAt, reason, telemetry } };
}
