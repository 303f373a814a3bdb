import type * as Grpc from "@grpc/grpc-js";
import { readExportResponse } from "../../otlp/export-response.ts";
import { MalformedOtlpError } from "../../otlp/malformed-otlp-error.ts";
import type { Signal } from "../../otlp/model.ts";
import { describeFailure } from "../http/http-result.ts";
import type { TlsOptions } from "../http/http-sender.ts";
import { outcomeOfStatus } from "./grpc-outcome.ts";
import { outcomeOfPartial } from "./http-outcome.ts";
import {
  type OtlpBody,
  type OtlpTarget,
  type OtlpTargets,
  type OtlpTransport,
  type SignalOutcome,
  wholeBody,
} from "./otlp-transport.ts";

const METHODS: Readonly<Record<Signal, string>> = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

const CHANNEL_OPTIONS: Grpc.ChannelOptions = {
  // Trying again is the delivery's: a channel that does so too would multiply the attempts and hide them.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // Its own default grows to two minutes, in which a destination that is back would not be noticed.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2000,
  // As for HTTP: what the environment says of proxies is not looked at.
  "grpc.enable_http_proxy": 0,
};

/** The compression algorithms of grpc-js. */
const GZIP = 2;

/** What one target is sent with, made when it is first needed. */
interface Line {
  readonly client: Grpc.Client;
  readonly metadata: Grpc.Metadata;
}

/** OTLP/gRPC. Messages are encoded by ourselves: grpc-js is given bytes and gives bytes. */
export class GrpcTransport implements OtlpTransport {
  readonly #grpc: typeof Grpc;
  readonly #targets: OtlpTargets;
  readonly #credentials: Grpc.ChannelCredentials;
  readonly #plainCredentials: Grpc.ChannelCredentials;
  readonly #userAgent: string;
  readonly #lines = new Map<OtlpTarget, Line>();

  /** @throws Error where grpc-js cannot be loaded, or cannot read the TLS options */
  static async open(targets: OtlpTargets, tls: TlsOptions, userAgent: string): Promise<GrpcTransport> {
    return new GrpcTransport(await import("@grpc/grpc-js"), targets, tls, userAgent);
  }

  private constructor(grpc: typeof Grpc, targets: OtlpTargets, tls: TlsOptions, userAgent: string) {
    const { ca, cert, key, rejectUnauthorized = true } = tls;
    this.#grpc = grpc;
    this.#targets = targets;
    this.#credentials = grpc.credentials.createSsl(bytesOf(ca), bytesOf(key), bytesOf(cert), {
      rejectUnauthorized,
    });
    this.#plainCredentials = grpc.credentials.createInsecure();
    this.#userAgent = userAgent;
  }

  async post(signal: Signal, body: OtlpBody, abort: AbortSignal): Promise<SignalOutcome> {
    const target = this.#targets[signal];
    if (abort.aborted) return { status: "retry", reason: describeFailure(abort.reason, target.where) };
    const { client, metadata } = this.#lineTo(target);
    const { promise, resolve } = Promise.withResolvers<SignalOutcome>();
    const call = client.makeUnaryRequest(
      METHODS[signal],
      asBuffer,
      asBuffer,
      wholeBody(body),
      metadata,
      { deadline: Number.POSITIVE_INFINITY },
      (error, answer) => resolve(this.#outcome(signal, target, error, answer, abort)),
    );
    const cancel = () => {
      call.cancel();
      // The connection may be one that leads nowhere any more, which nothing else would tell within a quarter of an hour.
      this.#hangUp(target);
    };
    abort.addEventListener("abort", cancel, { once: true });
    try {
      return await promise;
    } finally {
      abort.removeEventListener("abort", cancel);
    }
  }

  close(): void {
    for (const target of [...this.#lines.keys()]) this.#hangUp(target);
  }

  #outcome(
    signal: Signal,
    { where }: OtlpTarget,
    error: Grpc.ServiceError | null,
    answer: Uint8Array | undefined,
    abort: AbortSignal,
  ): SignalOutcome {
    if (error !== null) {
      if (abort.aborted) return { status: "retry", reason: describeFailure(abort.reason, where) };
      const { code, details } = error;
      const [statusDetails] = error.metadata?.get("grpc-status-details-bin") ?? [];
      const isBytes = statusDetails instanceof Uint8Array;
      return outcomeOfStatus(
        signal,
        { code, details, statusDetails: isBytes ? statusDetails : undefined },
        where,
      );
    }
    try {
      return outcomeOfPartial(signal, readExportResponse(answer ?? new Uint8Array()), where);
    } catch (malformed) {
      if (!(malformed instanceof MalformedOtlpError)) throw malformed;
      return { status: "retry", reason: `${where} answered with what is no OTLP: is the endpoint right?` };
    }
  }

  #lineTo(target: OtlpTarget): Line {
    let line = this.#lines.get(target);
    if (line === undefined) {
      const { url, headers, compression } = target;
      const isTls = url.protocol === "https:";
      const options = {
        ...CHANNEL_OPTIONS,
        "grpc.primary_user_agent": this.#userAgent,
        ...(compression === "gzip" && { "grpc.default_compression_algorithm": GZIP }),
      };
      const address = `${url.hostname}:${url.port || (isTls ? "443" : "80")}`;
      const credentials = isTls ? this.#credentials : this.#plainCredentials;
      const metadata = new this.#grpc.Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      line = { client: new this.#grpc.Client(address, credentials, options), metadata };
      this.#lines.set(target, line);
    }
    return line;
  }

  /** Calls that are under way end by themselves. */
  #hangUp(target: OtlpTarget): void {
    this.#lines.get(target)?.client.close();
    this.#lines.delete(target);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
