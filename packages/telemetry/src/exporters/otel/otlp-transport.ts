import type { Signal } from "../../otlp/model.ts";

/**
 * What became of one request.
 *
 * - `ok`: taken, all but `rejected` of its items.
 * - `retry`, `fail`: as of a batch (`ExportResult`).
 * - `unsupported`: the destination has no place for this signal.
 */
export type SignalOutcome =
  | { readonly status: "ok"; readonly rejected?: number; readonly reason?: string }
  | { readonly status: "retry"; readonly reason: string; readonly afterMs?: number | undefined }
  | { readonly status: "fail"; readonly reason: string }
  | { readonly status: "unsupported"; readonly reason: string };

/** How requests get to the destination. */
export interface OtlpTransport {
  /** Never rejects. @param body an encoded request of this signal, not compressed */
  post(signal: Signal, body: Uint8Array, abort: AbortSignal): Promise<SignalOutcome>;
  /** What is under way fails. */
  close(): void;
}

/** Where one signal goes. */
export interface OtlpTarget {
  readonly url: URL;
  /** For people, without secrets. */
  readonly where: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "gzip" | "none";
}
export type OtlpTargets = Readonly<Record<Signal, OtlpTarget>>;

/** What the items of a request are called. */
export const ITEMS: Readonly<Record<Signal, string>> = {
  traces: "spans",
  logs: "log records",
  metrics: "data points",
};
