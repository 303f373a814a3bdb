import { inspect } from "node:util";

/** Shorter ones would take common letters out of every message. */
const MIN_LENGTH = 4;

/** Makes what replaces secrets in a text that is to be said: also in the forms that a URL or a JSON text gives them. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(
    secrets
      .filter((secret) => secret.length >= MIN_LENGTH)
      .flatMap((secret) => [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        Buffer.from(secret).toString("base64"),
      ]),
  );
  // The longest first: one may be in another.
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  return (text) => sorted.reduce((cleaned, form) => cleaned.replaceAll(form, "[redacted]"), text);
}

/** What a log may say of an error: itself, or what it says of itself without the secrets, where it holds some. */
export function redactError(error: unknown, redact: (text: string) => string): unknown {
  if (error === undefined) return undefined;
  const said = inspect(error);
  const cleaned = redact(said);
  return cleaned === said ? error : cleaned;
}
