import type { Signal } from "../model.ts";
import type { RequestHead } from "./http-request-head.ts";

/** Of a request line and fields that are plain: what exporters send takes a tenth of it. */
const MAX_HEAD_BYTES = 4096;
const END_OF_HEAD = Buffer.from("\r\n\r\n");
const SIGNAL_OF_LINE: ReadonlyMap<string, Signal> = new Map([
  ["POST /v1/traces HTTP/1.1", "traces"],
  ["POST /v1/metrics HTTP/1.1", "metrics"],
  ["POST /v1/logs HTTP/1.1", "logs"],
]);
/** 1 to 9,999,999, written in the one way: what is larger is not in such a hurry. */
const LENGTH = /^[1-9][0-9]{0,6}$/;
/** No tab, no control character, nothing beyond ASCII: nothing that two parsers could read in two ways. */
const VALUE = /^[ -~]*$/;

/** As {@link RequestHead}, of a request whose body's length is known. */
export interface PlainHead extends RequestHead {
  readonly contentLength: number;
  /** Where the body begins. */
  readonly bodyStart: number;
}

/**
 * Reads the head of a plain request: what every exporter of OTLP sends, whole and written in the one way that nearly all write it.
 * Undefined for everything else, right or wrong: a parser of HTTP has to say what that is. So a field that is not known here, one that is
 * there twice, and every one that has to do with where a message ends or what becomes of its connection, is not plain.
 */
export function readPlainHead(bytes: Buffer): PlainHead | undefined {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end === -1 || end > MAX_HEAD_BYTES) return undefined;
  const text = bytes.toString("latin1", 0, end);
  let stop = text.indexOf("\r\n");
  const signal = SIGNAL_OF_LINE.get(text.slice(0, stop));
  if (signal === undefined) return undefined;
  let hasHost = false;
  let contentLength: number | undefined;
  let encoding: RequestHead["encoding"] | undefined;
  let isGzip: boolean | undefined;
  while (stop !== text.length) {
    const start = stop + 2;
    const next = text.indexOf("\r\n", start);
    stop = next === -1 ? text.length : next;
    const colon = text.indexOf(":", start);
    if (colon === -1 || colon > stop) return undefined;
    const raw = text.slice(colon + 1, stop);
    if (!VALUE.test(raw)) return undefined;
    const value = raw.trim();
    switch (text.slice(start, colon).toLowerCase()) {
      case "host":
        if (hasHost) return undefined;
        hasHost = true;
        break;
      case "content-length":
        if (contentLength !== undefined || !LENGTH.test(value)) return undefined;
        contentLength = Number(value);
        break;
      case "content-type":
        if (encoding !== undefined) return undefined;
        if (value === "application/x-protobuf") encoding = "protobuf";
        else if (value === "application/json") encoding = "json";
        else return undefined;
        break;
      case "content-encoding":
        if (isGzip !== undefined || (value !== "gzip" && value !== "identity")) return undefined;
        isGzip = value === "gzip";
        break;
      case "connection":
        if (value !== "keep-alive" && value !== "Keep-Alive") return undefined;
        break;
      case "accept":
      case "accept-encoding":
      case "user-agent":
      case "traceparent":
      case "tracestate":
      case "baggage":
        break;
      default:
        return undefined;
    }
  }
  if (!hasHost || contentLength === undefined || encoding === undefined) return undefined;
  const bodyStart = end + END_OF_HEAD.length;
  return { signal, encoding, isGzip: isGzip === true, contentLength, bodyStart };
}
