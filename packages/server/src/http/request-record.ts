import type { IncomingMessage, ServerResponse } from "node:http";
import {
  contextFromHeaders,
  type ErrorCode,
  formatTraceparent,
  newRequestId,
  newSpanId,
  type TraceContext,
} from "@sandglass/protocol";
import { DEFAULT_ORG } from "../caller.ts";

/** What is known of one HTTP request while it is served; becomes its `http.request` event. */
export interface RequestRecord {
  readonly requestId: string;
  /** The caller's place in the trace; `parentSpanId` is "" where the trace starts here. */
  readonly trace: TraceContext;
  /** Of the `http_request` span: the parent of everything the request causes. */
  readonly spanId: string;
  /** `performance.now()` at the first sight of it. */
  readonly startedAt: number;
  readonly method: string;
  /** As recorded: without the query, and without what a sandbox keeps out of the record. */
  path: string;
  /** Template of the route; "" where none matched. */
  route: string;
  isProbe: boolean;
  /** The operator's, until a key says another. */
  orgId: string;
  /** Of the key that it was let in with; "" where there was none. */
  keyId: string;
  runId: string;
  sandboxId: string;
  errorCode: ErrorCode | undefined;
}

/** A path longer than this is cut in the record; the request itself is served. */
const MAX_PATH_LENGTH = 1024;

/** Files are named by what a sandbox may want left out of the record: hidden until the sandbox is known to record it. */
const FILE_PATH = /^(\/v1\/sandboxes\/[^/]+\/files\/)(?!(?:mkdir|move)$).+/;
/** Letters, digits and `-._~` as escapes, which the router undoes (RFC 3986, 6.2.2.2): `%66iles` is `files`. */
const NEEDLESS_ESCAPES = /%(?:2[de]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f|7e)/gi;

const records = new WeakMap<IncomingMessage, RequestRecord>();

/** Takes up a request. Never throws: whatever the headers hold, there is an id and a place in a trace. */
export function beginRecord(request: IncomingMessage): RequestRecord {
  const { headers, url = "/" } = request;
  const query = url.indexOf("?");
  const record: RequestRecord = {
    requestId: newRequestId(),
    trace: contextFromHeaders({
      traceparent: headers.traceparent,
      tracestate: headers.tracestate,
      baggage: headers.baggage,
    }),
    spanId: newSpanId(),
    startedAt: performance.now(),
    method: request.method ?? "",
    path: concealed(query === -1 ? url : url.slice(0, query)).slice(0, MAX_PATH_LENGTH),
    route: "",
    isProbe: false,
    orgId: DEFAULT_ORG,
    keyId: "",
    runId: "",
    sandboxId: "",
    errorCode: undefined,
  };
  records.set(request, record);
  return record;
}

function concealed(path: string): string {
  const plain = path.replace(NEEDLESS_ESCAPES, decodeURIComponent);
  return FILE_PATH.test(plain) ? plain.replace(FILE_PATH, "$1{path+}") : path;
}

export function recordOf(request: IncomingMessage): RequestRecord {
  return records.get(request) ?? beginRecord(request);
}

/** Sends the head of an answer, with what every answer of ours carries. */
export function writeHead(
  record: RequestRecord,
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
): void {
  response.writeHead(status, {
    "cache-control": "no-store",
    ...headers,
    "x-request-id": record.requestId,
    // W3C Trace Context Level 2: the trace, and the span of ours that the caller may link to.
    traceresponse: formatTraceparent(record.trace.traceId, record.spanId, record.trace.traceFlags),
    "x-content-type-options": "nosniff",
  });
}
