/**
 * Shapes of secrets that are well known: what `redact` is by default. Each is bounded, so that no text takes long.
 *
 * @example client.run({ name, captureContent: true, redact: [...SECRET_PATTERNS, /cust-\d+/] })
 */
export const SECRET_PATTERNS: readonly RegExp[] = [
  // An Authorization header's value.
  /(?<![A-Za-z0-9])(?:Bearer|Basic)[ \t]{1,4}[A-Za-z0-9._~+/=-]{8,}/i,
  // OpenAI, Anthropic and those who name theirs alike; Stripe.
  /(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}/,
  /(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/,
  // AWS: the key's id, and its secret where it is named.
  /(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])/,
  /aws_?secret_?access_?key[\\"']{0,3}\s{0,4}[:=]\s{0,4}[\\"']{0,3}[A-Za-z0-9/+]{40}/i,
  // GitHub, Slack, Google.
  /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,}/,
  /(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{20,}/,
  /(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}/,
  /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}/,
  // A JSON Web Token.
  /(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*/,
  // One whose end was cut off too.
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|$)/,
  // The password in a URL, with the user before it.
  /(?<![A-Za-z0-9])[a-z][a-z0-9+.-]{1,30}:\/\/[^\s/:@"']{0,200}:[^\s/"']{1,500}@/i,
];
