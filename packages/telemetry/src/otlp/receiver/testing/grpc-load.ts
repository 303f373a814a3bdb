import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { CLIENT_PREFACE } from "../grpc-preface.ts";
import { FrameReader } from "./grpc-frame-reader.ts";
import { ACK, callFrames, END_STREAM, FRAME, frame } from "./grpc-frames.ts";
import { spanBatch } from "./span-batch.ts";

/**
 * A program that sends batches of spans over gRPC as fast as they are answered, from prepared frames, and writes one line of JSON
 * when it is done: what it sent, and how many calls ended without a message.
 *
 *     node grpc-load.ts --port 4317 --requests 10000 --connections 4 --concurrency 1 --spans 512 [--gzip]
 */
const { values } = parseArgs({
  options: {
    port: { type: "string" },
    requests: { type: "string", default: "2000" },
    connections: { type: "string", default: "4" },
    concurrency: { type: "string", default: "1" },
    spans: { type: "string", default: "512" },
    gzip: { type: "boolean", default: false },
  },
});

const SETTINGS_INITIAL_WINDOW = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
const spans = Number(values.spans);
const batch = spanBatch(spans);
const message = values.gzip ? gzipSync(batch) : batch;
const frames = callFrames(1, message, values.gzip ? { "grpc-encoding": "gzip" } : {});
const call = Buffer.concat(frames);
/** What counts for flow control. */
const bodyBytes = message.length + 5;

let left = Number(values.requests);
let failed = 0;

/** One connection's share. */
class Sender {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #withMessage = new Set<number>();
  readonly #done: () => void;
  #streamId = 1;
  #open = 0;
  #window = 65_535;

  constructor(socket: Socket, done: () => void) {
    this.#socket = socket;
    this.#done = done;
    socket.write(Buffer.concat([CLIENT_PREFACE, frame(FRAME.SETTINGS, 0, 0, SETTINGS_INITIAL_WINDOW)]));
    socket.on("data", (bytes: Buffer) => {
      for (const received of this.#reader.push(bytes)) this.#read(received);
      this.#send();
    });
  }

  #read({ type, flags, streamId, payload }: ReturnType<FrameReader["push"]>[number]): void {
    if (type === FRAME.SETTINGS && (flags & ACK) === 0) this.#socket.write(frame(FRAME.SETTINGS, ACK, 0));
    if (type === FRAME.WINDOW_UPDATE && streamId === 0) this.#window += payload.readUInt32BE();
    if (type === FRAME.DATA) this.#withMessage.add(streamId);
    if (type === FRAME.GOAWAY || type === FRAME.RST_STREAM) throw new Error(`frame ${type} of the server`);
    if (type !== FRAME.HEADERS || (flags & END_STREAM) === 0) return;
    if (!this.#withMessage.delete(streamId)) failed++;
    this.#open--;
  }

  #send(): void {
    while (left > 0 && this.#open < Number(values.concurrency) && this.#window >= bodyBytes) {
      left--;
      this.#open++;
      this.#window -= bodyBytes;
      const bytes = Buffer.from(call);
      let at = 0;
      for (const { length } of frames) {
        bytes.writeUInt32BE(this.#streamId, at + 5);
        at += length;
      }
      this.#streamId += 2;
      this.#socket.write(bytes);
    }
    if (left <= 0 && this.#open === 0) this.#socket.end(this.#done);
  }
}

const startedAt = performance.now();
await Promise.all(
  Array.from(
    { length: Number(values.connections) },
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect({ port: Number(values.port), host: "127.0.0.1", noDelay: true });
        socket.once("connect", () => new Sender(socket, resolve));
        socket.on("error", reject);
      }),
  ),
);
const ms = performance.now() - startedAt;
const requests = Number(values.requests);
console.log(
  JSON.stringify({ requests, failed, spans: requests * spans, bytes: requests * batch.length, ms }),
);
