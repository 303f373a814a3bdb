import type { Signal } from "../../otlp/model.ts";
import type { Environment } from "../definition.ts";
import type { UrlTarget } from "../http/url-option.ts";
import type { SecretOption } from "../secret.ts";
import { isLoopback, type Protocol } from "./otel-endpoints.ts";
import type { OtelEnv } from "./otel-env.ts";
import { resolveHeaders } from "./otel-headers.ts";
import type { OtlpTarget } from "./otlp-transport.ts";
import { USER_AGENT } from "./own-identity.ts";

export interface TargetOptions {
  readonly protocol: Protocol;
  /** As configured; absent: those of the environment. */
  readonly headers?: Readonly<Record<string, SecretOption>> | undefined;
  /** Default "gzip", and "none" to this host. */
  readonly compression: "gzip" | "none" | undefined;
  readonly env: OtelEnv;
  /** Where secrets that are named are found. */
  readonly secrets: Environment;
}

/**
 * How the requests of one signal are sent to where they go.
 *
 * @throws SandglassError INVALID_REQUEST for a header that cannot be, never with a value in its message
 */
export function resolveTarget(signal: Signal, endpoint: UrlTarget, options: TargetOptions): OtlpTarget {
  const { url, where, authorization } = endpoint;
  const { protocol, compression, env, secrets } = options;
  const headers = {
    "user-agent": USER_AGENT,
    ...(authorization !== undefined && { authorization }),
    ...resolveHeaders(options.headers, signal, protocol, env, secrets),
  };
  return { url, where, headers, compression: compression ?? (isLoopback(url) ? "none" : "gzip") };
}

/** What headers and queries may hold that nobody else should know; of `Bearer …` also the token alone. */
export function secretsIn(targets: readonly OtlpTarget[], endpoints: readonly UrlTarget[]): string[] {
  const headers = targets.flatMap((target) =>
    Object.entries(target.headers).flatMap(([name, value]) =>
      name === "user-agent" ? [] : [value, value.replace(/^\S+ +/, "")],
    ),
  );
  const queries = targets.flatMap(({ url }) => [...url.searchParams.values()]);
  const inUrls = endpoints.flatMap(({ secrets }) => secrets);
  return [...new Set([...headers, ...queries, ...inUrls])].filter((secret) => secret !== "");
}
