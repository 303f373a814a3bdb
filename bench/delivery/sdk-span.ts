import {
  type Attributes,
  type Context,
  type HrTime,
  ROOT_CONTEXT,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import type { EventInput } from "@sandglass/protocol";

/** A span as it is told to OpenTelemetry's SDK, with everything ready that could be computed before. */
export interface SdkSpan {
  name: string;
  traceId: string;
  spanId: string;
  /** Holds the parent. */
  context: Context;
  startTime: HrTime;
  endTime: HrTime;
  attributes: Attributes;
  sandboxId: string;
  resource: Attributes;
}

/** The span that the otel exporter makes of the same event: what it sends is compared with this before anything is measured. */
export function toSdkSpan(input: EventInput): SdkSpan {
  if (input.type !== "exec.completed") throw new Error(`${input.type} is not what is measured with`);
  const { traceId, spanId, parentSpanId, sandboxId, orgId, data } = input;
  const endMicros = Date.now() * 1000;
  return {
    name: "sandbox.execute",
    traceId,
    spanId,
    context: trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId: parentSpanId,
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    }),
    startTime: hrTime(endMicros - Math.round(data.durationMs * 1000)),
    endTime: hrTime(endMicros),
    attributes: {
      "sandglass.exec.id": data.execId,
      "sandglass.exec.kind": data.kind,
      "sandglass.exec.language": data.language,
      "sandglass.exec.context_id": data.contextId,
      "sandglass.exec.code": data.code,
      "process.exit.code": data.exitCode,
      "sandglass.cause": data.cause,
      "sandglass.exec.cpu_ms": data.cpuMs,
      "sandglass.exec.max_rss_bytes": data.maxRssBytes,
      "sandglass.exec.stdout_bytes": data.stdoutBytes,
      "sandglass.exec.stderr_bytes": data.stderrBytes,
      "sandglass.duration_ms": data.durationMs,
      "sandglass.exec.stdout_tail": data.stdoutTail,
    },
    sandboxId,
    resource: {
      "service.name": "sandglass",
      "service.version": "0.1.0",
      "service.instance.id": "00000000-0000-4000-8000-000000000000",
      "host.name": "bench",
      "telemetry.sdk.name": "opentelemetry",
      "telemetry.sdk.language": "nodejs",
      "telemetry.sdk.version": "3.1.1",
      "sandglass.sandbox.id": sandboxId,
      "sandglass.org.id": orgId,
    },
  };
}

function hrTime(micros: number): HrTime {
  return [Math.floor(micros / 1e6), (micros % 1e6) * 1000];
}
