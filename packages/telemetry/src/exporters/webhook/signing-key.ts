import { createHmac } from "node:crypto";
import { SandglassError } from "@sandglass/protocol";

const PREFIX = "whsec_";
/** What the scheme asks for: 192 bits. */
const MIN_BYTES = 24;
/** What to do about a secret that is missing or no good. */
export const SECRET_HINT =
  "make one by `echo whsec_$(openssl rand -base64 32)` and give it to the receiver too";

/**
 * The key in a secret of the Standard Webhooks scheme: base64, with `whsec_` in front or without. Throws INVALID_REQUEST naming the
 * option, never the secret.
 */
export function signingKey(option: string, secret: string): Buffer {
  const text = secret.trim();
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  // Buffer.from reads what others refuse, and the receiver's library would come to another key.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length % 4 !== 0)
    throw new SandglassError("INVALID_REQUEST", `${option} is no base64 behind ${PREFIX}`, {
      hint: SECRET_HINT,
    });
  const key = Buffer.from(encoded, "base64");
  if (key.length < MIN_BYTES)
    throw new SandglassError(
      "INVALID_REQUEST",
      `${option} is ${key.length} bytes long when decoded; it takes at least ${MIN_BYTES}`,
      { hint: SECRET_HINT },
    );
  return key;
}

/**
 * The headers that prove a message genuine (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * a signature by each key, so that receivers who know only one of them verify it while secrets are rotated.
 *
 * @param sentAt of this attempt, milliseconds since 1970: receivers refuse what is older than some minutes
 */
export function signatureHeaders(
  id: string,
  sentAt: number,
  body: Buffer,
  keys: readonly Buffer[],
): { "webhook-id": string; "webhook-timestamp": string; "webhook-signature": string } {
  const timestamp = String(Math.floor(sentAt / 1000));
  const signatures = keys.map((key) => {
    const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    return `v1,${mac}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
