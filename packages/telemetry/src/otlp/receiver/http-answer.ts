import type { ServerResponse } from "node:http";
import type { Signal } from "../model.ts";
import { type Encoding, encodeExportResponse, encodeRpcStatus } from "./export-answer.ts";
import type { HeadProblem } from "./http-request-head.ts";
import type { IntakeAnswer, Refusal, RefusalReason } from "./intake.ts";

/** HTTP's word for each refusal, and gRPC's code, which the body has. */
const REFUSALS: Readonly<Record<RefusalReason, readonly [status: number, code: number]>> = {
  malformed: [400, 3],
  too_large: [413, 8],
  rate_limited: [429, 8],
  in_flight: [429, 8],
  log_share: [429, 8],
  not_ready: [503, 14],
  overloaded: [503, 14],
  unavailable: [503, 14],
};

/** gRPC's code for each problem with a head. */
const PROBLEM_CODES: Readonly<Record<HeadProblem["status"], number>> = { 403: 7, 404: 5, 405: 12, 415: 3 };

const CONTENT_TYPE: Readonly<Record<Encoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};

/** An answer, whatever writes it. */
export interface HttpAnswer {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
}

/** To a request that was taken, or a refusal, in what the request was written in (OTLP 1.11, "OTLP/HTTP Response"). */
export function exportAnswer(signal: Signal, answer: IntakeAnswer, encoding: Encoding): HttpAnswer {
  if (answer.status === "refused") return refusalAnswer(answer, encoding);
  return answerOf(200, encoding, encodeExportResponse(signal, encoding, answer.rejected));
}

export function refusalAnswer(refusal: Refusal, encoding: Encoding): HttpAnswer {
  const { reason, message, retryAfterMs } = refusal;
  const [status, code] = REFUSALS[reason];
  const body = encodeRpcStatus(code, message, retryAfterMs, encoding);
  if (retryAfterMs === undefined) return answerOf(status, encoding, body);
  // In whole seconds (RFC 9110, 10.2.3); the body says it exactly.
  return answerOf(status, encoding, body, { "retry-after": Math.max(1, Math.ceil(retryAfterMs / 1000)) });
}

export function problemAnswer({ status, message, encoding, headers }: HeadProblem): HttpAnswer {
  return answerOf(
    status,
    encoding,
    encodeRpcStatus(PROBLEM_CODES[status], message, undefined, encoding),
    headers,
  );
}

/** By a server of node:http. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  response.writeHead(status, headers);
  // Without a body, also without an empty one, the head is written by itself, which is the quicker way.
  if (body.length === 0) response.end();
  else response.end(body);
}

function answerOf(
  status: number,
  encoding: Encoding,
  body: Buffer,
  headers?: Readonly<Record<string, string | number>>,
): HttpAnswer {
  return {
    status,
    headers: { ...headers, "content-type": CONTENT_TYPE[encoding], "content-length": body.length },
    body,
  };
}
