import { SandglassError } from "@sandglass/protocol";
import { z } from "zod";
import type { DeliveryTraits, EventBatch, Exporter, ExportResult } from "../delivery/exporter.ts";
import { resultOfIngest } from "./axiom/ingest-answer.ts";
import { type Compression, ingestBody } from "./axiom/ingest-body.ts";
import { ingestUrl } from "./axiom/ingest-url.ts";
import { commonOptions, traitsOf } from "./common-options.ts";
import { defineExporter, type PreparedExporter } from "./definition.ts";
import { headerOption } from "./http/header-option.ts";
import { describeFailure, resultOfStatus } from "./http/http-result.ts";
import { HttpSender, type HttpSenderOptions } from "./http/http-sender.ts";
import { urlOption } from "./http/url-option.ts";
import { readSecret, secretSchema } from "./secret.ts";

const DEFAULTS: DeliveryTraits = {
  order: "none",
  concurrency: 2,
  batchSize: 100,
  batchBytes: 4 * 1024 * 1024,
  flushIntervalMs: 5000,
  maxQueueSize: 10_000,
  timeoutMs: 30_000,
  needsEvents: false,
};
/** A failure of each of 10,000 events fits. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const schema = z.strictObject({
  ...commonOptions,
  /** An API token that may ingest, or a personal one. Default the environment variable AXIOM_TOKEN. */
  token: secretSchema.optional(),
  /** Has to exist. Default "sandglass-events". */
  dataset: z.string().min(1).max(128).optional(),
  /** Of the API, or of an edge deployment. Default https://cloud.axiom.co. */
  url: z.string().min(1).optional(),
  /** Of the organisation, which a personal token needs. */
  orgId: z.string().min(1).optional(),
  /** Default "gzip". */
  compression: z.enum(["gzip", "zstd", "none"]).optional(),
});

/**
 * Axiom's ingest API: NDJSON by POST (https://axiom.co/docs/restapi/endpoints/ingestIntoDataset). Axiom keeps an event that comes
 * again a second time; `id` is what to deduplicate by.
 *
 * @example { provider: "axiom", config: { token: { env: "AXIOM_TOKEN" }, dataset: "sandglass-events" } }
 */
export const axiom = defineExporter({
  provider: "axiom",
  mayRunInThread: true,
  schema,
  prepare(options, context): PreparedExporter {
    // A stranger who names a destination is not to be sent what the daemon's environment holds.
    const env = context.isTrusted ? context.env : {};
    const token = readSecret("token", options.token, env, "AXIOM_TOKEN")?.trim();
    if (!token)
      throw new SandglassError("INVALID_REQUEST", "the token of Axiom is missing", {
        hint: "set the option token or the environment variable AXIOM_TOKEN",
      });
    const dataset = options.dataset ?? "sandglass-events";
    const target = urlOption("url", options.url ?? "https://cloud.axiom.co", context);
    if (target.authorization !== undefined)
      throw new SandglassError("INVALID_REQUEST", "url holds credentials, which Axiom does not take", {
        hint: "leave them out of url and set token",
      });
    const { where } = target;
    const url = ingestUrl(target.url, dataset);
    const headers = {
      authorization: headerOption("token", `Bearer ${token}`),
      accept: "application/json",
      ...(options.orgId !== undefined && { "x-axiom-org-id": headerOption("orgId", options.orgId) }),
    };
    const sending = { publicOnly: !context.isTrusted, maxAnswerBytes: MAX_ANSWER_BYTES };
    const destination = `${where}, dataset ${dataset}`;
    return {
      destination,
      secrets: [token],
      traits: traitsOf(options, DEFAULTS),
      onError: options.onError,
      verify: (signal) => verify(url, headers, destination, sending, signal),
      open: async () => new AxiomExporter(url, headers, options.compression ?? "gzip", destination, sending),
    };
  },
});

type Headers = Readonly<Record<string, string>>;

class AxiomExporter implements Exporter {
  readonly #sender: HttpSender;
  readonly #url: URL;
  readonly #headers: Headers;
  readonly #compression: Compression;
  readonly #where: string;

  constructor(
    url: URL,
    headers: Headers,
    compression: Compression,
    where: string,
    sending: HttpSenderOptions,
  ) {
    this.#sender = new HttpSender(sending);
    this.#url = url;
    this.#headers = {
      ...headers,
      "content-type": "application/x-ndjson",
      ...(compression !== "none" && { "content-encoding": compression }),
    };
    this.#compression = compression;
    this.#where = where;
  }

  async export(batch: EventBatch, { signal }: { readonly signal: AbortSignal }): Promise<ExportResult> {
    const body = await ingestBody(batch.events, this.#compression);
    try {
      const answer = await this.#sender.post(this.#url, body, this.#headers, signal);
      return resultOfIngest(answer, batch, this.#where);
    } catch (error) {
      return { status: "retry", reason: describeFailure(error, this.#where) };
    }
  }

  async shutdown(): Promise<void> {
    this.#sender.close();
  }
}

/** Sends no events, which says whether the host answers, the token is known and the dataset is there. */
async function verify(
  url: URL,
  headers: Headers,
  where: string,
  sending: HttpSenderOptions,
  signal: AbortSignal,
): Promise<void> {
  const sender = new HttpSender(sending);
  const json = { ...headers, "content-type": "application/json" };
  try {
    const answer = await sender.post(url, Buffer.from("[]"), json, signal).catch((error: unknown) => {
      throw new Error(describeFailure(error, where), { cause: error });
    });
    const result = resultOfStatus(answer, where);
    // That there was nothing to take is no reason not to begin.
    if (result.status === "retry") throw new Error(result.reason);
  } finally {
    sender.close();
  }
}
