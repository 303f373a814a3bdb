import { SandglassError } from "@sandglass/protocol";
import type { Signal } from "../../otlp/model.ts";
import type { Environment } from "../definition.ts";
import { headerName, headerOption } from "../http/header-option.ts";
import { readSecret } from "../read-secret.ts";
import type { SecretOption } from "../secret.ts";
import type { Protocol } from "./otel-endpoints.ts";
import type { OtelEnv } from "./otel-env.ts";

type Headers = Record<string, string>;

/** Ours to set, or the connection's. */
const RESERVED =
  /^(content-.*|accept-encoding|host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|grpc-.*|:.*)$/;
const GRPC_NAME = /^[0-9a-z_.-]+$/;

/**
 * The headers of one signal's requests: the option, or, where it is absent, `OTEL_EXPORTER_OTLP_HEADERS` and over them those of the
 * signal. Where the option names a destination of its own, what the environment holds is for another.
 *
 * @throws SandglassError INVALID_REQUEST for what no header can hold; never with a value in its message
 */
export function resolveHeaders(
  given: Readonly<Record<string, SecretOption>> | undefined,
  signal: Signal,
  protocol: Protocol,
  env: OtelEnv,
  secrets: Environment,
): Headers {
  const headers: Headers = {};
  const add = (option: string, name: string, value: string) => {
    headers[checkedName(option, name, protocol)] = headerOption(`${option}.${name}`, value);
  };
  if (given !== undefined) {
    for (const [name, secret] of Object.entries(given)) {
      add("headers", name, readSecret(`headers.${name}`, secret, secrets) ?? "");
    }
    return headers;
  }
  for (const variable of [
    "OTEL_EXPORTER_OTLP_HEADERS",
    `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`,
  ]) {
    for (const [name, value] of env.pairs(variable)) add(variable, name, value);
  }
  return headers;
}

function checkedName(option: string, given: string, protocol: Protocol): string {
  const name = headerName(option, given);
  if (RESERVED.test(name)) throw invalid(`${option} holds ${name}, which is not yours to set`);
  if (protocol === "grpc" && (!GRPC_NAME.test(name) || name.endsWith("-bin"))) {
    throw invalid(`${option} holds ${name}, which gRPC cannot carry as a text`);
  }
  return name;
}

function invalid(message: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", message, { hint: "leave it out" });
}
