import type { KeyValue, Signal, TracesData } from "../../model.ts";
import { decodeByOracle } from "../../testing/oracle.ts";

/** An entry of a request of any signal, with the names of traces. */
export type DecodedEntry = NonNullable<TracesData["resourceSpans"]>[number];

/** The entries of a request as protobufjs decodes them by the official files. */
export function decodeEntries(signal: Signal, bytes: Uint8Array): DecodedEntry[] {
  const request = decodeByOracle(signal, bytes) as Record<string, DecodedEntry[]>;
  return Object.values(request)[0] ?? [];
}

/** The attributes of each Resource. */
export function decodeAttributes(signal: Signal, bytes: Uint8Array): KeyValue[][] {
  return decodeEntries(signal, bytes).map(({ resource }) => resource?.attributes ?? []);
}
