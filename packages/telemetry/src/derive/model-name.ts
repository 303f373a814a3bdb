const MAX_CHARACTERS = 200;

/** Endings that do not change the price, each at most once, in the order in which they are taken off. */
const ENDINGS: readonly RegExp[] = [
  // Claude Code's mark of a long context window
  /\[1m\]$/,
  // Bedrock: "-v1:0", "-v2"
  /-v\d+(?::\d+)?$/,
  // Vertex: "@20250929", "@default"
  /@(?:\d{8}|default|latest)$/,
  /-latest$/,
  // "-20250929", "-2024-08-06"
  /-(?:20\d{6}|20\d{2}-\d{2}-\d{2})$/,
  // Gemini: "-preview", "-preview-05-20", "-preview-09-2025"
  /-preview(?:-\d{2}-\d{2,4})?$/,
];
/** Gemini: "-001". Of other models such a number may say more. */
const GEMINI_VERSION = /^(gemini-.*)-\d{3}$/;
/** Bedrock: "us.anthropic.", "global.anthropic.", "anthropic." */
const BEDROCK_PREFIX =
  /^(?:(?:us|us-gov|eu|apac|au|ca|jp|global)\.)?(?:anthropic|amazon|meta|mistral|cohere|openai|deepseek|ai21)\./;

/**
 * The names under which a model may be in a table of prices, the most exact first: as it is, without the path of a provider or router
 * in front (`models/`, `anthropic/`, `publishers/google/models/`, an ARN), without Bedrock's region and vendor, and without date or
 * version behind. Lower case.
 *
 * What could change the price stays: `gpt-4o-realtime` is not `gpt-4o`, and `x:free` is not `x`.
 */
export function modelNameCandidates(model: string): string[] {
  const whole = model.trim().slice(0, MAX_CHARACTERS).toLowerCase();
  const candidates = new Set([whole]);
  let name = whole.slice(whole.lastIndexOf("/") + 1);
  candidates.add(name);
  name = name.replace(BEDROCK_PREFIX, "");
  candidates.add(name);
  for (const ending of ENDINGS) {
    name = name.replace(ending, "");
    candidates.add(name);
  }
  const gemini = GEMINI_VERSION.exec(name);
  if (gemini !== null) candidates.add(gemini[1]!);
  // Routers write "claude-sonnet-4.5" for "claude-sonnet-4-5".
  if (name.startsWith("claude-")) candidates.add(name.replaceAll(".", "-"));
  candidates.delete("");
  return [...candidates];
}
