/** What every client of HTTP/2 begins with (RFC 9113, 3.4). */
export const CLIENT_PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** What a connection begins with: `incomplete` may still become HTTP/2. */
export type Preface = "http2" | "http1" | "other" | "incomplete";

const REQUEST_LINE = /^[A-Z]{1,20} \//;

/** Looks at the first bytes of a connection. 24 of them always decide. */
export function recognisePreface(bytes: Buffer): Preface {
  const length = Math.min(bytes.length, CLIENT_PREFACE.length);
  if (bytes.compare(CLIENT_PREFACE, 0, length, 0, length) === 0) {
    return length === CLIENT_PREFACE.length ? "http2" : "incomplete";
  }
  const text = bytes.toString("latin1", 0, length);
  if (REQUEST_LINE.test(text)) return "http1";
  // "P" or "GE" of a request whose line comes later.
  return length < CLIENT_PREFACE.length && /^[A-Z]{1,20} ?$/.test(text) ? "incomplete" : "other";
}

const TEXT =
  "This port takes OTLP over gRPC, which is HTTP/2. OTLP over HTTP has a port of its own (4318 by default).\n";

/** What a client of HTTP/1 is told: mostly an exporter whose protocol does not go with its endpoint. */
export const HTTP1_ANSWER: string = [
  "HTTP/1.1 400 Bad Request",
  "content-type: text/plain; charset=utf-8",
  `content-length: ${TEXT.length}`,
  "connection: close",
  "",
  TEXT,
].join("\r\n");
