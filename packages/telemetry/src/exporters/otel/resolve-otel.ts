import { SandglassError } from "@sandglass/protocol";
import { SIGNALS, type Signal } from "../../otlp/model.ts";
import type { PrepareContext } from "../definition.ts";
import { GrpcTransport } from "./grpc-transport.ts";
import { HttpTransport } from "./http-transport.ts";
import { type Protocol, resolveEndpoints } from "./otel-endpoints.ts";
import { OtelEnv } from "./otel-env.ts";
import type { OtelOptions } from "./otel-options.ts";
import { protocolFrom } from "./otel-signal-env.ts";
import { resolveTarget, secretsIn } from "./otel-targets.ts";
import { resolveTls } from "./otel-tls.ts";
import type { OtlpTarget, OtlpTargets, OtlpTransport } from "./otlp-transport.ts";
import { USER_AGENT } from "./own-identity.ts";

const COMPRESSIONS = ["gzip", "none"] as const;

/** Where an `otel` exporter sends, from its options and the environment. */
export interface ResolvedOtel {
  readonly env: OtelEnv;
  readonly protocol: Protocol;
  readonly signals: readonly Signal[];
  readonly targets: OtlpTargets;
  /** Targets of the signals that are sent. */
  readonly used: readonly OtlpTarget[];
  /** For people. */
  readonly destination: string;
  readonly secrets: readonly string[];
  readonly tls: ReturnType<typeof resolveTls>;
  /** No private, loopback or link-local address. */
  readonly publicOnly: boolean;
  connect(): Promise<OtlpTransport>;
}

/** @throws SandglassError INVALID_REQUEST naming the option or the variable */
export function resolveOtel(options: OtelOptions, context: PrepareContext): ResolvedOtel {
  // A stranger who names a destination is not to be sent what the daemon's environment holds.
  const secretsEnv = context.isTrusted ? context.env : {};
  const env = new OtelEnv(secretsEnv);
  const protocol = options.protocol ?? protocolFrom(env, options.signals) ?? "http/protobuf";
  if (protocol === "grpc" && !context.isTrusted) {
    throw new SandglassError("INVALID_REQUEST", "protocol grpc is not to be had with this key", {
      hint: "use http/protobuf: where a name leads cannot be checked for gRPC; a key with the scope admin may set it",
    });
  }
  const endpoints = resolveEndpoints({ endpoint: options.endpoint, protocol, env, context });
  const signals = SIGNALS.filter((signal) => options.signals?.includes(signal) ?? endpoints.has(signal));
  const lost = signals.find((signal) => !endpoints.has(signal));
  if (lost !== undefined) {
    throw new SandglassError("INVALID_REQUEST", `signals has ${lost}, for which there is no endpoint`, {
      hint: `set the option endpoint, or OTEL_EXPORTER_OTLP_${lost.toUpperCase()}_ENDPOINT`,
    });
  }
  const tls = resolveTls(options.tls, env, context);
  const { headers } = options;
  const targetOf = (signal: Signal): OtlpTarget => {
    // Of a signal that is not sent, one of the others stands in.
    const endpoint = (endpoints.get(signal) ?? endpoints.get(signals[0]!))!;
    const compression =
      options.compression ??
      env.oneOf(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_COMPRESSION`, COMPRESSIONS) ??
      env.oneOf("OTEL_EXPORTER_OTLP_COMPRESSION", COMPRESSIONS);
    return resolveTarget(signal, endpoint, { protocol, headers, compression, env, secrets: secretsEnv });
  };
  const targets = { traces: targetOf("traces"), logs: targetOf("logs"), metrics: targetOf("metrics") };
  const used = signals.map((signal) => targets[signal]);
  checkTls(options, used);
  const publicOnly = !context.isTrusted;
  const wheres = [...new Set(used.map(({ where }) => where))];
  return {
    env,
    protocol,
    signals,
    targets,
    used,
    destination: `${wheres.join(", ")}, ${signals.join(", ")} over ${protocol}`,
    secrets: secretsIn(used, [...endpoints.values()]),
    tls,
    publicOnly,
    connect: async () =>
      protocol === "grpc"
        ? GrpcTransport.open(targets, tls, USER_AGENT)
        : new HttpTransport(targets, protocol, { tls, publicOnly }),
  };
}

/** A certificate that nobody would look at is a mistake. */
function checkTls({ tls }: OtelOptions, targets: readonly OtlpTarget[]): void {
  if (tls === undefined || targets.some(({ url }) => url.protocol === "https:")) return;
  throw new SandglassError("INVALID_REQUEST", "tls is set, but endpoint begins with http://", {
    hint: "begin it with https://, or leave tls out",
  });
}
