import { promisify } from "node:util";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { Signal } from "../../../otlp/model.ts";

export interface GrpcCall {
  signal: Signal;
  body: Buffer;
  metadata: Metadata;
  /** Address and port of the client: one of each connection. */
  peer: string;
}

/** What is answered; `code` absent: a yes with `body` in it. */
export interface GrpcAnswer {
  body?: Uint8Array;
  code?: number;
  details?: string;
  /** `grpc-status-details-bin`. */
  statusDetails?: Buffer;
  /** Never answers. */
  hang?: boolean;
  /** Answers so much later. */
  delayMs?: number;
}

const SERVICES: Readonly<Record<Signal, string>> = {
  traces: "trace.v1.TraceService",
  logs: "logs.v1.LogsService",
  metrics: "metrics.v1.MetricsService",
};

/** A real gRPC server on 127.0.0.1 that takes bytes and answers as it is told. */
export class GrpcSink implements AsyncDisposable {
  readonly calls: GrpcCall[] = [];
  answer: (call: GrpcCall) => GrpcAnswer = () => ({});
  /** Told of every call before it is answered. */
  onCall: (call: GrpcCall) => void = () => undefined;
  readonly #server: Server;
  #port = 0;
  readonly #isTls: boolean;

  /** @param tls PEM texts; `clientCa` asks clients for a certificate. @param signals that it has a service for. @param port default any */
  static async start(
    tls?: { cert: string; key: string; clientCa?: string },
    signals: readonly Signal[] = ["traces", "logs", "metrics"],
    port = 0,
  ): Promise<GrpcSink> {
    const sink = new GrpcSink(tls !== undefined, signals);
    await sink.#listen(port, tls);
    return sink;
  }

  private constructor(isTls: boolean, signals: readonly Signal[]) {
    this.#isTls = isTls;
    this.#server = new Server();
    for (const signal of signals) this.#serve(signal);
  }

  get url(): string {
    return this.#isTls ? `https://localhost:${this.#port}` : `http://127.0.0.1:${this.#port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  async #listen(
    port: number,
    tls: { cert: string; key: string; clientCa?: string } | undefined,
  ): Promise<void> {
    const pair = tls && { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
    const credentials = pair
      ? ServerCredentials.createSsl(
          tls.clientCa ? Buffer.from(tls.clientCa) : null,
          [pair],
          tls.clientCa !== undefined,
        )
      : ServerCredentials.createInsecure();
    const bind = promisify(this.#server.bindAsync.bind(this.#server));
    this.#port = await bind(`127.0.0.1:${port}`, credentials);
  }

  #serve(signal: Signal): void {
    const path = `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`;
    const same = (bytes: Buffer): Buffer => bytes;
    const method = { path, requestStream: false, responseStream: false };
    const codec = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    const definition: ServiceDefinition = { Export: { ...method, ...codec } };
    this.#server.addService(definition, {
      Export: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        const received = { signal, body: call.request, metadata: call.metadata, peer: call.getPeer() };
        this.calls.push(received);
        this.onCall(received);
        const answer = this.answer(received);
        if (answer.hang) return;
        if (answer.delayMs === undefined) reply(answer, callback);
        else setTimeout(reply, answer.delayMs, answer, callback);
      },
    });
  }
}

function reply(answer: GrpcAnswer, callback: sendUnaryData<Buffer>): void {
  if (answer.code === undefined) return callback(null, Buffer.from(answer.body ?? []));
  const metadata = new Metadata();
  if (answer.statusDetails) metadata.set("grpc-status-details-bin", answer.statusDetails);
  callback({ code: answer.code, details: answer.details ?? "", metadata });
}
