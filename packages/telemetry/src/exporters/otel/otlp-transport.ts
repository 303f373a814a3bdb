import type { Signal } from "../../otlp/model.ts";
import { mergeRequests } from "../../otlp/relay/merge-requests.ts";

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

/** An encoded request. In protobuf it may be several of one signal that go as one, which spares putting them together. */
export type OtlpBody = Uint8Array | readonly Uint8Array[];

/** For whoever needs it in one place. */
export function wholeBody(body: OtlpBody): Uint8Array {
  return body instanceof Uint8Array ? body : mergeRequests(body);
}

/** How requests get to the destination. */
export interface OtlpTransport {
  /** Never rejects. @param body of this signal, not compressed; nobody writes to it before this resolves */
  post(signal: Signal, body: OtlpBody, abort: AbortSignal): Promise<SignalOutcome>;
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
