import { encodeTraces } from "../../otlp/encode-traces.ts";
import type { KeyValue } from "../../otlp/model.ts";

const START = "1776510028036000000";

/** A request of one span in protobuf. */
export function spanRequest(
  name: string,
  more: { traceId?: string; spanId?: string; resource?: KeyValue[]; attributes?: KeyValue[] } = {},
): Buffer {
  const { traceId = "4bf92f3577b34da6a3ce929d0e0e4736", spanId = "00f067aa0ba902b7" } = more;
  const span = {
    traceId,
    spanId,
    name,
    kind: 1,
    startTimeUnixNano: START,
    endTimeUnixNano: "1776510029037000000",
    attributes: more.attributes ?? [],
  };
  return encodeTraces({
    resourceSpans: [
      {
        resource: { attributes: more.resource ?? [] },
        scopeSpans: [{ scope: { name: "test" }, spans: [span] }],
      },
    ],
  });
}

/** Sends it as SDKs do. @returns the status */
export async function sendSpan(
  url: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<number> {
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", ...headers },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}

export interface ReceivedSpan {
  name: string;
  spanId: string;
  resource: Record<string, string>;
}

/** The spans of what an `OtlpSink` took. */
export function spansOf(requests: readonly { signal: string; data: unknown }[]): ReceivedSpan[] {
  return requests
    .filter(({ signal }) => signal === "traces")
    .flatMap(({ data }) =>
      ((data as Received).resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
        scopeSpans.flatMap(({ spans = [] }) =>
          spans.map(({ name, spanId }) => ({
            name,
            spanId: typeof spanId === "string" ? spanId : Buffer.from(spanId ?? []).toString("hex"),
            resource: Object.fromEntries(
              (resource?.attributes ?? []).map(({ key, value }) => [key, value?.stringValue ?? ""]),
            ),
          })),
        ),
      ),
    );
}

interface Received {
  resourceSpans?: {
    resource?: { attributes?: { key: string; value?: { stringValue?: string } }[] };
    scopeSpans?: { spans?: { name: string; spanId?: Uint8Array | string }[] }[];
  }[];
}
