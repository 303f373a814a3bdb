import { SandglassError } from "@sandglass/protocol";
import type { Environment, PrepareContext } from "../../exporters/definition.ts";
import type { TlsOptions } from "../../exporters/http/http-sender.ts";
import type { UrlTarget } from "../../exporters/http/url-option.ts";
import { endpointOf, PROTOCOLS, type Protocol } from "../../exporters/otel/otel-endpoints.ts";
import { OtelEnv } from "../../exporters/otel/otel-env.ts";
import { resolveTarget, secretsIn } from "../../exporters/otel/otel-targets.ts";
import { resolveTls } from "../../exporters/otel/otel-tls.ts";
import type { OtlpTarget } from "../../exporters/otel/otlp-transport.ts";
import { SIGNALS, type Signal } from "../../otlp/model.ts";
import type { Temporality } from "../../projections/otel-metrics.ts";

/** How one signal is sent. Plain JSON: it is kept in a file. */
export interface SignalSettings extends Omit<OtlpTarget, "url"> {
  readonly url: string;
  readonly protocol: Protocol;
  /** Of one attempt. */
  readonly timeoutMs: number;
}

/** Where an owner wants the telemetry of a sandbox, resolved. Secret. Plain JSON. */
export interface DestinationSettings {
  /** At least one; the others are not wanted there. */
  readonly signals: Readonly<Partial<Record<Signal, SignalSettings>>>;
  readonly tls: TlsOptions;
  /** No private, loopback or link-local address is connected to. */
  readonly publicOnly: boolean;
  /** Of the metrics that the host makes. */
  readonly temporality: Temporality;
  /** What must not be seen in anything said about it. */
  readonly secrets: readonly string[];
}

const PREFIX = "OTEL_EXPORTER_OTLP_";
const DEFAULT_TIMEOUT_MS = 10_000;
/** While it hangs, a destination keeps what it is being sent in memory. */
const MAX_TIMEOUT_MS = 60_000;
const MAX_SIZE = 64 * 1024;
/** A part of a path from this length on may be a token, which some services want there. */
const TOKEN_LENGTH = 16;
const COMPRESSIONS = ["gzip", "none"] as const;
const CERTIFICATES = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] as const;

/**
 * A destination out of the standard variables of OpenTelemetry: `OTEL_EXPORTER_OTLP_ENDPOINT`, `_HEADERS`, `_PROTOCOL`, `_COMPRESSION`,
 * `_TIMEOUT` and `_INSECURE`, each also for one signal (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), which wins; `_CERTIFICATE`,
 * `_CLIENT_CERTIFICATE` and `_CLIENT_KEY` (files of this host) where the caller is trusted; and
 * `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
 *
 * @throws SandglassError INVALID_REQUEST naming the variable, never its value: for what cannot be understood, an address of this daemon
 *   and, where the caller is not trusted, an address that is not public, a certificate, and gRPC
 */
export function resolveDestination(variables: Environment, context: PrepareContext): DestinationSettings {
  const env = new OtelEnv(variables);
  checkCertificates(env, context);
  const endpoints: UrlTarget[] = [];
  const targets: OtlpTarget[] = [];
  const signals: Partial<Record<Signal, SignalSettings>> = {};
  for (const signal of SIGNALS) {
    const protocol = protocolOf(signal, env, context);
    const endpoint = endpointOf(signal, { endpoint: undefined, protocol, env, context });
    if (endpoint === undefined) continue;
    const compression = ofSignal(signal, "COMPRESSION", (name) => env.oneOf(name, COMPRESSIONS));
    const target = resolveTarget(signal, endpoint, { protocol, compression, env, secrets: {} });
    endpoints.push(endpoint);
    targets.push(target);
    signals[signal] = { ...target, url: target.url.href, protocol, timeoutMs: timeoutOf(signal, env) };
  }
  if (targets.length === 0) {
    throw invalid("the sandbox's telemetry is to be exported, and no endpoint is known", {
      hint: `set ${PREFIX}ENDPOINT in the env that the sandbox is created with, e.g. https://otlp.example.com`,
    });
  }
  const settings: DestinationSettings = {
    signals,
    tls: tlsOf(env, context),
    publicOnly: !context.isTrusted,
    temporality: temporalityOf(env),
    secrets: [...secretsIn(targets, endpoints), ...tokensInPaths(targets)],
  };
  if (JSON.stringify(settings).length > MAX_SIZE) {
    throw invalid(`the variables ${PREFIX}… are larger than ${MAX_SIZE / 1024} KiB in all`);
  }
  return settings;
}

function tokensInPaths(targets: readonly OtlpTarget[]): string[] {
  const parts = targets.flatMap(({ url }) => url.pathname.split("/"));
  return [...new Set(parts)].filter(({ length }) => length >= TOKEN_LENGTH);
}

/** What is set for the signal, else what is set for all of them. */
function ofSignal<Value>(
  signal: Signal,
  name: string,
  read: (variable: string) => Value | undefined,
): Value | undefined {
  return read(`${PREFIX}${signal.toUpperCase()}_${name}`) ?? read(`${PREFIX}${name}`);
}

function protocolOf(signal: Signal, env: OtelEnv, { isTrusted }: PrepareContext): Protocol {
  const chosen = ofSignal(signal, "PROTOCOL", (variable) => {
    const protocol = env.oneOf(variable, PROTOCOLS);
    return protocol && { protocol, variable };
  });
  if (chosen?.protocol === "grpc" && !isTrusted) {
    throw invalid(`${chosen.variable} is grpc, which is not to be had with this key`, {
      hint: "use http/protobuf: where a name leads cannot be checked for gRPC; a key with the scope admin may set it",
    });
  }
  return chosen?.protocol ?? "http/protobuf";
}

function timeoutOf(signal: Signal, env: OtelEnv): number {
  const timeoutMs = ofSignal(signal, "TIMEOUT", (name) => env.integer(name, 0, Number.MAX_SAFE_INTEGER));
  // 0 is no limit by the specification: as long as there is.
  return timeoutMs === undefined ? DEFAULT_TIMEOUT_MS : Math.min(timeoutMs || MAX_TIMEOUT_MS, MAX_TIMEOUT_MS);
}

function temporalityOf(env: OtelEnv): Temporality {
  const preference = env.oneOf(`${PREFIX}METRICS_TEMPORALITY_PREFERENCE`, [
    "cumulative",
    "delta",
    "lowmemory",
  ]);
  return preference === undefined || preference === "cumulative" ? "cumulative" : "delta";
}

/** Where there is no certificate nothing is to be checked, which takes OpenSSL a millisecond. */
function tlsOf(env: OtelEnv, context: PrepareContext): TlsOptions {
  const isSet = CERTIFICATES.some((kind) => env.text(PREFIX + kind) !== undefined);
  return isSet ? resolveTls(undefined, env, context) : {};
}

/** A certificate that nobody would look at is a mistake, and a path says nothing about files that are elsewhere. */
function checkCertificates(env: OtelEnv, { isTrusted }: PrepareContext): void {
  for (const kind of CERTIFICATES) {
    if (!isTrusted && env.text(`${PREFIX}${kind}`) !== undefined) {
      throw invalid(`${PREFIX}${kind} names a file of the daemon's host`, {
        hint: "leave it out; only a key with the scope admin may set it",
      });
    }
    for (const signal of SIGNALS) {
      const name = `${PREFIX}${signal.toUpperCase()}_${kind}`;
      if (env.text(name) !== undefined) {
        throw invalid(`${name} is not supported`, { hint: `set ${PREFIX}${kind}, for all signals` });
      }
    }
  }
}

function invalid(message: string, options: { hint?: string } = {}): SandglassError {
  return new SandglassError("INVALID_REQUEST", message, options);
}
