import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Signal } from "../../otlp/model.ts";
import { describeFailure } from "../http/http-result.ts";
import { HttpSender, type HttpSenderOptions } from "../http/http-sender.ts";
import { outcomeOfAnswer } from "./http-outcome.ts";
import {
  type OtlpBody,
  type OtlpTargets,
  type OtlpTransport,
  type SignalOutcome,
  wholeBody,
} from "./otlp-transport.ts";

/** The quickest: repeated names are most of what there is to gain, ids and times are as large at every level. */
const GZIP_LEVEL = 1;
const compress = promisify(gzip);

/** OTLP/HTTP. */
export class HttpTransport implements OtlpTransport {
  readonly #targets: OtlpTargets;
  readonly #contentType: string;
  readonly #sender: HttpSender;

  constructor(
    targets: OtlpTargets,
    protocol: "http/protobuf" | "http/json",
    sending: Pick<HttpSenderOptions, "tls" | "publicOnly">,
  ) {
    this.#targets = targets;
    this.#contentType = protocol === "http/json" ? "application/json" : "application/x-protobuf";
    this.#sender = new HttpSender(sending);
  }

  async post(signal: Signal, body: OtlpBody, abort: AbortSignal): Promise<SignalOutcome> {
    const { url, where, headers, compression } = this.#targets[signal];
    const isCompressed = compression === "gzip";
    const all = {
      ...headers,
      "content-type": this.#contentType,
      ...(isCompressed && { "content-encoding": "gzip" }),
    };
    try {
      const bytes = isCompressed ? await compress(wholeBody(body), { level: GZIP_LEVEL }) : body;
      return outcomeOfAnswer(signal, await this.#sender.post(url, bytes, all, abort), where);
    } catch (error) {
      return { status: "retry", reason: describeFailure(error, where) };
    }
  }

  close(): void {
    this.#sender.close();
  }
}
