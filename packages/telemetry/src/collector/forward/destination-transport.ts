import { GrpcTransport } from "../../exporters/otel/grpc-transport.ts";
import { HttpTransport } from "../../exporters/otel/http-transport.ts";
import type { Protocol } from "../../exporters/otel/otel-endpoints.ts";
import {
  type OtlpBody,
  type OtlpTarget,
  type OtlpTargets,
  type OtlpTransport,
  type SignalOutcome,
  wholeBody,
} from "../../exporters/otel/otlp-transport.ts";
import { USER_AGENT } from "../../exporters/otel/own-identity.ts";
import { MalformedOtlpError } from "../../otlp/malformed-otlp-error.ts";
import type { Signal } from "../../otlp/model.ts";
import { protobufToJson } from "../../otlp/protobuf-to-json.ts";
import type { DestinationSettings, SignalSettings } from "./destination-settings.ts";

/** Sends requests in protobuf to one destination, each signal by its own protocol. Connections are made when they are needed. */
export class DestinationTransport implements OtlpTransport {
  readonly #settings: DestinationSettings;
  readonly #opened = new Map<Protocol, Promise<OtlpTransport>>();
  #isClosed = false;

  constructor(settings: DestinationSettings) {
    this.#settings = settings;
  }

  /** @param body a request in protobuf. One that cannot be said in JSON, where that is spoken, fails. */
  async post(signal: Signal, body: OtlpBody, abort: AbortSignal): Promise<SignalOutcome> {
    const settings = this.#settings.signals[signal];
    if (settings === undefined)
      return { status: "unsupported", reason: `there is no endpoint for ${signal}` };
    try {
      const transport = await this.#transportFor(settings.protocol);
      const bytes = settings.protocol === "http/json" ? protobufToJson(signal, wholeBody(body)) : body;
      return await transport.post(signal, bytes, abort);
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof MalformedOtlpError) {
        return { status: "fail", reason: `it cannot be said in JSON: ${message}` };
      }
      return { status: "retry", reason: `${settings.where}: ${message}` };
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const opened of this.#opened.values()) {
      // One that could not be opened has been told of by whoever asked for it.
      opened.then(
        (transport) => transport.close(),
        () => undefined,
      );
    }
    this.#opened.clear();
  }

  #transportFor(protocol: Protocol): Promise<OtlpTransport> {
    if (this.#isClosed) throw new Error("the destination is closed");
    let opened = this.#opened.get(protocol);
    if (opened === undefined) {
      opened = this.#open(protocol);
      this.#opened.set(protocol, opened);
      opened.catch(() => this.#opened.delete(protocol));
    }
    return opened;
  }

  async #open(protocol: Protocol): Promise<OtlpTransport> {
    const { signals, tls, publicOnly } = this.#settings;
    const [any] = Object.values(signals);
    const target = (signal: Signal): OtlpTarget => targetOf(signals[signal] ?? any!);
    const targets: OtlpTargets = {
      traces: target("traces"),
      logs: target("logs"),
      metrics: target("metrics"),
    };
    if (protocol !== "grpc") return new HttpTransport(targets, protocol, { tls, publicOnly });
    // Where a name leads is not checked by it, so nothing that may not go everywhere is to go through it.
    if (publicOnly) throw new Error("gRPC is for trusted destinations");
    return GrpcTransport.open(targets, tls, USER_AGENT);
  }
}

function targetOf({ url, where, headers, compression }: SignalSettings): OtlpTarget {
  return { url: new URL(url), where, headers, compression };
}
