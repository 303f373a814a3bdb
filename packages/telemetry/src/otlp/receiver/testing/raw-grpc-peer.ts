import { connect, type Socket } from "node:net";
import { CLIENT_PREFACE } from "../grpc-preface.ts";
import { FrameReader, type ReceivedFrame } from "./grpc-frame-reader.ts";
import { FRAME, frame } from "./grpc-frames.ts";

/** A peer that sends any bytes, and sees what comes back. It abides by nothing: no acknowledgements, no flow control. */
export class RawGrpcPeer implements AsyncDisposable {
  readonly socket: Socket;
  /** What came that is not frames, too. */
  received: Buffer = Buffer.alloc(0);
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;

  static async connect(port: number): Promise<RawGrpcPeer> {
    const socket = connect(port, "127.0.0.1");
    const peer = new RawGrpcPeer(socket);
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return peer;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    // The server may reset it at any time.
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
  }

  /** Preface and settings. */
  begin(settings: Uint8Array = Buffer.alloc(0)): void {
    void this.send(CLIENT_PREFACE, frame(FRAME.SETTINGS, 0, 0, settings));
  }

  /** Resolves when it is with the kernel, or cannot be sent. */
  async send(...parts: Uint8Array[]): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write(Buffer.concat(parts), () => resolve()));
  }

  frames(): ReceivedFrame[] {
    return new FrameReader().push(this.received);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}
