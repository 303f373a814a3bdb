import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Signal } from "../../model.ts";
import { readRpcStatus } from "../../rpc-status.ts";

const PACKAGE = "/opentelemetry.proto.collector";
const METHODS: Readonly<Record<Signal, string>> = {
  traces: `${PACKAGE}.trace.v1.TraceService/Export`,
  logs: `${PACKAGE}.logs.v1.LogsService/Export`,
  metrics: `${PACKAGE}.metrics.v1.MetricsService/Export`,
};

/** What grpc-js made of the end of a call. */
export interface SenderAnswer {
  code: number;
  details: string;
  /** Where the code is 0. */
  message: Buffer | undefined;
  /** Of the `RetryInfo` in `grpc-status-details-bin`. */
  retryDelayMs: number | undefined;
  /** Trailers, or those headers that stand for them. */
  metadata: Metadata;
}

const same = (bytes: Buffer): Buffer => bytes;

/** A client of grpc-js that is given bytes. */
export class GrpcSender implements AsyncDisposable {
  readonly #client: Client;

  constructor(port: number, options: ChannelOptions = {}) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.enable_retries": 0,
      ...options,
      // Else clients of the same options share connections.
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  send(signal: Signal, body: Uint8Array, deadlineMs?: number): Promise<SenderAnswer> {
    return this.call(METHODS[signal], body, deadlineMs);
  }

  call(path: string, body: Uint8Array, deadlineMs?: number): Promise<SenderAnswer> {
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    return new Promise((resolve) => {
      let metadata = new Metadata();
      let error: ServiceError | null = null;
      let message: Buffer | undefined;
      this.#client
        .makeUnaryRequest(path, same, same, Buffer.from(body), new Metadata(), options, (failure, answer) => {
          error = failure;
          message = answer;
          metadata = failure?.metadata ?? metadata;
        })
        .on("status", (status) => {
          const { code, details } = error ?? status;
          const [bytes] = status.metadata.get("grpc-status-details-bin") as Buffer[];
          const retryDelayMs = bytes && readRpcStatus(bytes).retryDelayMs;
          resolve({ code, details, message, retryDelayMs, metadata: status.metadata });
        });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }
}
