/** Types of frames (RFC 9113, 6). */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

export const TRACES_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Header fields as literals that enter no table (RFC 7541, 6.2.2). */
export function headerBlock(fields: Iterable<readonly [string, string]>): Buffer {
  return Buffer.concat(
    [...fields].flatMap(([name, value]) => [Buffer.of(0), hpackText(name), hpackText(value)]),
  );
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

/** Headers of a call as exporters send them. A header that is given as undefined is left out. */
export function callHeaders(headers: Record<string, string | undefined> = {}): Buffer {
  const all: Record<string, string | undefined> = {
    ":method": "POST",
    ":scheme": "http",
    ":path": TRACES_PATH,
    ":authority": "127.0.0.1:4317",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  };
  return headerBlock(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A message with its prefix. @param announced its length as the prefix has it */
export function grpcMessage(message: Uint8Array, flag = 0, announced: number = message.length): Buffer {
  return Buffer.concat([Buffer.of(flag), uint32(announced), message]);
}

/** A whole call of one message. @param headers in addition to, or instead of, the usual ones */
export function callFrames(
  streamId: number,
  message: Uint8Array,
  headers: Record<string, string | undefined> = {},
): Buffer[] {
  const framed = grpcMessage(message, headers["grpc-encoding"] === "gzip" ? 1 : 0);
  const frames = [frame(FRAME.HEADERS, END_HEADERS, streamId, callHeaders(headers))];
  for (let at = 0; at < framed.length; at += 16_384) {
    const isLast = at + 16_384 >= framed.length;
    frames.push(frame(FRAME.DATA, isLast ? END_STREAM : 0, streamId, framed.subarray(at, at + 16_384)));
  }
  return frames;
}
