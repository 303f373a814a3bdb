import { SandglassError } from "@sandglass/protocol";
import { z } from "zod";
import type { DeliveryTraits, EventBatch, Exporter, ExportResult } from "../delivery/exporter.ts";
import { commonOptions, traitsOf } from "./common-options.ts";
import { defineExporter, type Environment, type PreparedExporter } from "./definition.ts";
import { headerName, headerOption } from "./http/header-option.ts";
import { describeFailure, resultOfStatus } from "./http/http-result.ts";
import { HttpSender } from "./http/http-sender.ts";
import { urlOption } from "./http/url-option.ts";
import { verifyReachable } from "./http/verify-reachable.ts";
import { readSecret, type SecretOption, secretSchema } from "./secret.ts";
import { messageOf } from "./webhook/message.ts";
import { SECRET_HINT, signatureHeaders, signingKey } from "./webhook/signing-key.ts";

const DEFAULTS: DeliveryTraits = {
  order: "sandbox",
  concurrency: 4,
  batchSize: 100,
  batchBytes: 256 * 1024,
  flushIntervalMs: 1000,
  maxQueueSize: 10_000,
  timeoutMs: 20_000,
};
const GONE = 410;
/** A path of at least so many characters may be a secret; a shorter one is a word that a message may need. */
const LONG_PATH = 16;
/** Ours to set, or the connection's. */
const RESERVED =
  /^(webhook-.*|content-.*|host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect)$/;

const schema = z.strictObject({
  ...commonOptions,
  /** Where to POST. A receiver's URL may be a secret by itself: `{env: "NAME"}`. */
  url: secretSchema,
  /** What messages are signed with: `whsec_` and at least 24 bytes in base64. */
  secret: secretSchema.optional(),
  /** Instead of `secret` while it is rotated, the newest first: each signs. */
  secrets: z.array(secretSchema).min(1).max(8).optional(),
  /** Sent besides, e.g. `{authorization: {env: "NAME"}}`. */
  headers: z.record(z.string(), secretSchema).optional(),
});
type WebhookOptions = z.output<typeof schema>;

/**
 * POSTs batches to a URL, signed by the Standard Webhooks scheme (https://www.standardwebhooks.com). A batch that is sent again has
 * the same `webhook-id`. An answer of 410 ends the subscription.
 *
 * @example { provider: "webhook", config: { url: "https://example.org/hook", secret: { env: "HOOK_SECRET" } } }
 */
export const webhook = defineExporter({
  provider: "webhook",
  mayRunInThread: true,
  schema,
  prepare(options, context): PreparedExporter {
    // A stranger who names a destination is not to be sent what the daemon's environment holds.
    const env = context.isTrusted ? context.env : {};
    const { url, where, authorization, secrets } = urlOption(
      "url",
      readSecret("url", options.url, env) ?? "",
      context,
    );
    const signing = signingSecrets(options, env);
    const given = givenHeaders(options.headers ?? {}, env);
    const headers = { ...(authorization !== undefined && { authorization }), ...given };
    const keys = signing.map(([option, secret]) => signingKey(option, secret));
    const sending = { publicOnly: !context.isTrusted };
    return {
      destination: where,
      secrets: [
        ...signing.map(([, secret]) => secret),
        ...Object.values(given),
        ...secrets,
        ...hiddenIn(url),
      ],
      traits: traitsOf(options, DEFAULTS),
      onError: options.onError,
      verify: (signal) => verifyReachable(url, where, sending, signal),
      open: async () => new WebhookExporter(new HttpSender(sending), { url, where, headers, keys }),
    };
  },
});

interface Receiver {
  readonly url: URL;
  /** For people. */
  readonly where: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly keys: readonly Buffer[];
}

class WebhookExporter implements Exporter {
  readonly #sender: HttpSender;
  readonly #receiver: Receiver;

  constructor(sender: HttpSender, receiver: Receiver) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  async export(batch: EventBatch, { signal }: { readonly signal: AbortSignal }): Promise<ExportResult> {
    const { url, where, headers, keys } = this.#receiver;
    const { id, body } = messageOf(batch.events);
    const signature = signatureHeaders(id, Date.now(), body, keys);
    const all = { ...headers, ...signature, "content-type": "application/json" };
    try {
      const answer = await this.#sender.post(url, body, all, signal);
      const result = resultOfStatus(answer, where);
      if (answer.status !== GONE || result.status !== "retry") return result;
      return { status: "disable", reason: result.reason };
    } catch (error) {
      return { status: "retry", reason: describeFailure(error, where) };
    }
  }

  async shutdown(): Promise<void> {
    this.#sender.close();
  }
}

/** With the option that each is from, the newest first. */
function signingSecrets(options: WebhookOptions, env: Environment): [option: string, secret: string][] {
  if (options.secret !== undefined && options.secrets !== undefined)
    throw new SandglassError("INVALID_REQUEST", "secret and secrets exclude each other", {
      hint: "put every secret in secrets, the newest first",
    });
  if (options.secrets === undefined && options.secret === undefined)
    throw new SandglassError("INVALID_REQUEST", "the secret that messages are signed with is missing", {
      hint: `set secret; ${SECRET_HINT}`,
    });
  const given = options.secrets?.map((secret, index) => [`secrets[${index}]`, secret] as const);
  return (given ?? [["secret", options.secret] as const]).map(([option, secret]) => [
    option,
    (readSecret(option, secret, env) ?? "").trim(),
  ]);
}

function givenHeaders(
  headers: Readonly<Record<string, SecretOption>>,
  env: Environment,
): Record<string, string> {
  const entries = Object.entries(headers).map(([given, secret]) => {
    const name = headerName("headers", given);
    if (RESERVED.test(name))
      throw new SandglassError("INVALID_REQUEST", `headers holds ${name}, which is not yours to set`, {
        hint: "leave it out",
      });
    const option = `headers.${name}`;
    return [name, headerOption(option, readSecret(option, secret, env) ?? "")] as const;
  });
  return Object.fromEntries(entries);
}

/** What a receiver's URL may hold that nobody else should know. */
function hiddenIn(url: URL): string[] {
  const path = url.pathname.length >= LONG_PATH ? [url.pathname] : [];
  return [...path, ...url.searchParams.values()];
}
