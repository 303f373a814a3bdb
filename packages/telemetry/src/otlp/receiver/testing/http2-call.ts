import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { TRACES_PATH } from "./grpc-frames.ts";

export interface Http2Answer {
  headers: IncomingHttpHeaders;
  /** Empty where the headers stand for them. */
  trailers: IncomingHttpHeaders;
  body: Buffer;
  /** What the stream was closed with. */
  rstCode: number;
}

/**
 * A call over a connection of its own with any headers and any body. One that is given as undefined is left out.
 *
 * @param ends whether the request is said to be over
 */
export async function http2Call(
  port: number,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
  ends = true,
): Promise<Http2Answer> {
  const session = connect(`http://127.0.0.1:${port}`);
  const usual = {
    ":method": "POST",
    ":path": TRACES_PATH,
    "content-type": "application/grpc",
    te: "trailers",
  };
  const answer: Http2Answer = { headers: {}, trailers: {}, body: Buffer.alloc(0), rstCode: -1 };
  const pieces: Buffer[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      session.once("error", reject);
      const stream = session.request({ ...usual, ...headers });
      stream.on("response", (received) => {
        answer.headers = received;
      });
      stream.on("trailers", (received) => {
        answer.trailers = received;
      });
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.once("error", reject);
      stream.once("close", () => {
        answer.rstCode = stream.rstCode;
        resolve();
      });
      if (ends && body.length === 0) stream.end();
      else if (ends) stream.end(body);
      else stream.write(body);
    });
  } finally {
    session.destroy();
  }
  return { ...answer, body: Buffer.concat(pieces) };
}
