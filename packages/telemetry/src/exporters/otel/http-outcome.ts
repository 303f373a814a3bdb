import {
  exportResponseFromJson,
  type PartialSuccess,
  readExportResponse,
} from "../../otlp/export-response.ts";
import { MalformedOtlpError } from "../../otlp/malformed-otlp-error.ts";
import type { Signal } from "../../otlp/model.ts";
import { readRpcStatus } from "../../otlp/rpc-status.ts";
import { cleanText } from "../http/clean-text.ts";
import { resultOfStatus } from "../http/http-result.ts";
import type { HttpAnswer } from "../http/http-sender.ts";
import { ITEMS, type SignalOutcome } from "./otlp-transport.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
/** There is nothing at that path, or nothing that takes a POST, or nobody has written it yet. */
const NO_SUCH_SIGNAL = new Set([404, 405, 501]);

/**
 * What an answer of OTLP/HTTP means for the request of one signal (OTLP specification, "OTLP/HTTP Response").
 *
 * The specification would have every 4xx and 5xx but 429, 502, 503 and 504 dropped; here only what is wrong with the data itself is
 * (400, 413, 422), since the rest passes or is put right by a person, and nothing need be lost until then.
 *
 * A yes has to have an OTLP answer in it, which says what was not taken. An empty one, and one of a type that is neither protobuf
 * nor JSON, is a plain yes, since there are services that answer so. A page in HTML is none: that was a proxy or a sign-in page. Nor
 * is an answer that cannot be read as the type that it says it is: it came from elsewhere, or not all of it did.
 */
export function outcomeOfAnswer(signal: Signal, answer: HttpAnswer, where: string): SignalOutcome {
  const result = resultOfStatus(answer, where);
  switch (result.status) {
    case "ok":
      return outcomeOfYes(signal, answer, where);
    case "retry": {
      const reason = result.reason + messageOf(answer);
      if (signal !== "traces" && NO_SUCH_SIGNAL.has(answer.status)) return { status: "unsupported", reason };
      return { status: "retry", reason, afterMs: result.afterMs };
    }
    default:
      return { status: "fail", reason: result.reason + messageOf(answer) };
  }
}

/** What a partial success, or its absence, means for the request. */
export function outcomeOfPartial(
  signal: Signal,
  partial: PartialSuccess | undefined,
  where: string,
): SignalOutcome {
  // With nothing rejected the message is a warning, and the request was taken.
  if (partial === undefined || partial.rejected === 0) return { status: "ok" };
  const says = cleanText(partial.message);
  const { rejected } = partial;
  return {
    status: "ok",
    rejected,
    reason: `${where} rejected ${rejected} ${ITEMS[signal]}${says && `: ${says}`}`,
  };
}

function outcomeOfYes(signal: Signal, answer: HttpAnswer, where: string): SignalOutcome {
  const type = typeOf(answer);
  if (answer.body.length === 0) return { status: "ok" };
  if (type === "text/html") {
    const reason = `${where} answered ${answer.status} with a page in HTML (content-type text/html), which is no OTLP: is the endpoint right?`;
    return { status: "retry", reason };
  }
  try {
    if (type === PROTOBUF) return outcomeOfPartial(signal, readExportResponse(answer.body), where);
    if (type === JSON_TYPE) {
      const json: unknown = JSON.parse(answer.body.toString("utf8"));
      return outcomeOfPartial(signal, exportResponseFromJson(json), where);
    }
    return { status: "ok" };
  } catch (error) {
    if (!(error instanceof MalformedOtlpError || error instanceof SyntaxError)) throw error;
    const reason = `${where} answered ${answer.status} with what cannot be read as its content-type ${type}`;
    return { status: "retry", reason };
  }
}

/** Of the `google.rpc.Status` that an error holds. */
function messageOf(answer: HttpAnswer): string {
  if (typeOf(answer) !== PROTOBUF || answer.body.length === 0) return "";
  try {
    const says = cleanText(readRpcStatus(answer.body).message);
    return says && `: ${says}`;
  } catch (error) {
    // The status code has said enough.
    if (error instanceof MalformedOtlpError) return "";
    throw error;
  }
}

function typeOf({ headers }: HttpAnswer): string {
  return (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}
