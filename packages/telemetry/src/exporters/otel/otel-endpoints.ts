import { SandglassError } from "@sandglass/protocol";
import { SIGNALS, type Signal } from "../../otlp/model.ts";
import type { PrepareContext } from "../definition.ts";
import { bareHost } from "../http/public-address.ts";
import { type UrlTarget, urlOption } from "../http/url-option.ts";
import type { OtelEnv } from "./otel-env.ts";

export const PROTOCOLS = ["http/protobuf", "http/json", "grpc"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface EndpointOptions {
  /** As configured. */
  readonly endpoint: string | undefined;
  readonly protocol: Protocol;
  readonly env: OtelEnv;
  readonly context: Pick<PrepareContext, "isTrusted" | "ownOrigins">;
}

/**
 * Where each signal goes: below the option `endpoint`, else where the variable of the signal says (as it is), else below
 * `OTEL_EXPORTER_OTLP_ENDPOINT`. A base may end in the path of a signal, which is then not its own. Signals without an endpoint are
 * missing.
 *
 * @throws SandglassError INVALID_REQUEST where there is none at all, or for one that is no URL to send to (see `urlOption`)
 */
export function resolveEndpoints(options: EndpointOptions): Map<Signal, UrlTarget> {
  const targets = new Map<Signal, UrlTarget>();
  for (const signal of SIGNALS) {
    const target = endpointOf(signal, options);
    if (target !== undefined) targets.set(signal, target);
  }
  if (targets.size > 0) return targets;
  throw new SandglassError("INVALID_REQUEST", "the endpoint of OpenTelemetry is missing", {
    hint: "set the option endpoint, e.g. http://127.0.0.1:4318, or the environment variable OTEL_EXPORTER_OTLP_ENDPOINT",
  });
}

/** Of one signal: see {@link resolveEndpoints}. Undefined where it has none. */
export function endpointOf(signal: Signal, options: EndpointOptions): UrlTarget | undefined {
  const { endpoint, env } = options;
  if (endpoint !== undefined) return below("endpoint", endpoint, signal, options);
  const name = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
  const own = env.text(name);
  if (own !== undefined) return targetOf(name, own, signal, options);
  const base = env.text("OTEL_EXPORTER_OTLP_ENDPOINT");
  return base === undefined ? undefined : below("OTEL_EXPORTER_OTLP_ENDPOINT", base, signal, options);
}

/** Whether a URL leads no further than this host. */
export function isLoopback(url: URL): boolean {
  const host = bareHost(url.hostname);
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\.[\d.]+$/.test(host);
}

function below(option: string, text: string, signal: Signal, options: EndpointOptions): UrlTarget {
  const target = targetOf(option, text, signal, options);
  if (options.protocol === "grpc") return target;
  const url = new URL(target.url);
  const base = url.pathname.replace(/\/+$/, "").replace(/\/v1\/(traces|logs|metrics)$/, "");
  url.pathname = `${base.replace(/\/+$/, "")}/v1/${signal}`;
  return { ...target, url };
}

function targetOf(option: string, text: string, signal: Signal, options: EndpointOptions): UrlTarget {
  const { protocol, env, context } = options;
  // gRPC has targets without a scheme: `collector:4317`.
  const isBare = protocol === "grpc" && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_INSECURE`;
  const isInsecure = env.isTrue(env.text(own) === undefined ? "OTEL_EXPORTER_OTLP_INSECURE" : own);
  const scheme = isInsecure ? "http" : "https";
  return urlOption(option, isBare ? `${scheme}://${text}` : text, context);
}
