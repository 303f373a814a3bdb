import { SandglassError } from "@sandglass/protocol";
import { SIGNALS, type Signal } from "../../otlp/model.ts";
import { PROTOCOLS, type Protocol } from "./otel-endpoints.ts";
import type { OtelEnv } from "./otel-env.ts";

/**
 * The one protocol that the environment asks for: `OTEL_EXPORTER_OTLP_{SIGNAL}_PROTOCOL` of the signals that are sent, else
 * `OTEL_EXPORTER_OTLP_PROTOCOL`. Undefined where it says nothing.
 *
 * @param signals that are sent; default all
 * @throws SandglassError INVALID_REQUEST where signals are to have different ones: an exporter has one connection
 */
export function protocolFrom(env: OtelEnv, signals: readonly Signal[] = SIGNALS): Protocol | undefined {
  const general = env.oneOf("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOLS);
  const wanted = signals.map((signal) => env.oneOf(variable(signal, "PROTOCOL"), PROTOCOLS) ?? general);
  const [protocol, other] = new Set(wanted.filter((each) => each !== undefined));
  if (other === undefined) return protocol;
  throw new SandglassError(
    "INVALID_REQUEST",
    `the environment asks for ${protocol} and for ${other}, by OTEL_EXPORTER_OTLP_…_PROTOCOL; an exporter speaks one`,
    { hint: "configure an exporter for each, with the options signals and protocol" },
  );
}

/** The longest of the signals' own limits, `OTEL_EXPORTER_OTLP_{SIGNAL}_TIMEOUT`: what is sent at once ends together. */
export function timeoutOfSignals(
  env: OtelEnv,
  signals: readonly Signal[],
  maxMs: number,
): number | undefined {
  const own = signals
    .map((signal) => env.integer(variable(signal, "TIMEOUT"), 0, maxMs))
    .filter((timeoutMs) => timeoutMs !== undefined);
  if (own.length === 0) return undefined;
  // 0 is no limit by the specification.
  return own.includes(0) ? 0 : Math.max(...own);
}

function variable(signal: Signal, name: string): string {
  return `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`;
}
