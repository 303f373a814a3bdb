import { INSIDE } from "./files.ts";

/** SDKs hand over what they have at this interval instead of every 5 s: a sandbox may not be there any more by then. */
const SCHEDULE_DELAY_MS = "500";

/**
 * What a process must have in its environment, beside what it has, so that it and everything it starts is instrumented: one span
 * for every process, and the spans of programs whose OpenTelemetry packages are there. Pure, and done twice the same as once.
 *
 * It presumes `OTEL_EXPORTER_OTLP_ENDPOINT` (`http://127.0.0.1:<port>`) and, for the processes of an exec, `TRACEPARENT`: without
 * the one nothing is sent, without the other a process has no span, though those it starts with one of their own have.
 *
 * @param env all that the process has otherwise; what is said in it is kept, and added to where it is a list
 * @returns only the variables to set
 * @example { ...env, ...instrumentation(env) }
 */
export function instrumentation(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    LD_PRELOAD: withLast(env.LD_PRELOAD, INSIDE.spans, ":"),
    PYTHONPATH: withFirst(env.PYTHONPATH, INSIDE.python, ":"),
    NODE_OPTIONS: withLast(env.NODE_OPTIONS, `--require=${INSIDE.node}`, " "),
    // Programs built with gcc's address sanitizer refuse to run where anything is loaded before it.
    ASAN_OPTIONS: withFirst(env.ASAN_OPTIONS, "verify_asan_link_order=0", ":"),
    // Python's default is gRPC, which is on another port than the endpoint's.
    OTEL_EXPORTER_OTLP_PROTOCOL: env.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/protobuf",
    OTEL_BSP_SCHEDULE_DELAY: env.OTEL_BSP_SCHEDULE_DELAY ?? SCHEDULE_DELAY_MS,
    OTEL_BLRP_SCHEDULE_DELAY: env.OTEL_BLRP_SCHEDULE_DELAY ?? SCHEDULE_DELAY_MS,
    // The others ask for a cloud's metadata over the network, or show arguments as they are.
    OTEL_NODE_RESOURCE_DETECTORS: env.OTEL_NODE_RESOURCE_DETECTORS ?? "env",
  };
}

/** The variables that {@link instrumentation} sets, but for those that every process has anyway. */
export const INSTRUMENT_VARIABLES: readonly string[] = Object.keys(instrumentation({})).filter(
  (name) => name !== "OTEL_EXPORTER_OTLP_PROTOCOL",
);

/** As {@link instrumentation}, for a process that is given its whole environment. */
export function instrumentedEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return { ...env, ...instrumentation(env) };
}

function withFirst(list: string | undefined, entry: string, separator: string): string {
  return has(list, entry, separator) ?? `${entry}${separator}${list}`;
}

function withLast(list: string | undefined, entry: string, separator: string): string {
  return has(list, entry, separator) ?? `${list}${separator}${entry}`;
}

/** The list as it is to be where nothing is to be added to it. */
function has(list: string | undefined, entry: string, separator: string): string | undefined {
  if (list === undefined || list === "") return entry;
  return list.split(separator).includes(entry) ? list : undefined;
}
