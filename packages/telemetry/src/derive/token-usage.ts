import type { AttributeView } from "./attribute-view.ts";

/** Tokens of one call, as `cost.llm` has them: the parts are contained in `inputTokens` and `outputTokens`. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens?: number;
  readonly cacheCreationTokens?: number;
  readonly reasoningTokens?: number;
}

/** As a sender says it. */
export interface ReportedUsage {
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  readonly total?: number | undefined;
  readonly cached?: number | undefined;
  readonly cacheCreation?: number | undefined;
  readonly reasoning?: number | undefined;
}

/** Where a sender counts parts beside the whole instead of in it. */
export interface UsageShape {
  readonly isCacheBeside?: boolean;
  readonly isReasoningBeside?: boolean;
}

/**
 * Names of what a call used, by convention. The OpenTelemetry GenAI conventions (their current names, those of 1.27 to 1.36, and
 * of what several frameworks write in their style), OpenInference, OpenLLMetry, and the Vercel AI SDK.
 */
const INPUT = [
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.prompt_tokens",
  "llm.token_count.prompt",
  "llm.usage.prompt_tokens",
  "ai.usage.inputTokens",
  "ai.usage.promptTokens",
  "ai.usage.tokens",
];
const OUTPUT = [
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.completion_tokens",
  "llm.token_count.completion",
  "llm.usage.completion_tokens",
  "ai.usage.outputTokens",
  "ai.usage.completionTokens",
];
const TOTAL = [
  "gen_ai.usage.total_tokens",
  "llm.token_count.total",
  "llm.usage.total_tokens",
  "ai.usage.totalTokens",
];
const CACHED = [
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_read_input_tokens",
  "gen_ai.usage.input_tokens.cached",
  "gen_ai.usage.cached_input_tokens",
  "gen_ai.usage.input_tokens_details.cached_tokens",
  "gen_ai.usage.prompt_tokens_details.cached_tokens",
  "gen_ai.usage.details.cache_read_tokens",
  "gen_ai.usage.details.cached_tokens",
  "llm.token_count.prompt_details.cache_read",
  "ai.usage.inputTokenDetails.cacheReadTokens",
  "ai.usage.cachedInputTokens",
];
const CACHE_CREATION = [
  "gen_ai.usage.cache_creation.input_tokens",
  "gen_ai.usage.cache_creation_input_tokens",
  "gen_ai.usage.cache_write_input_tokens",
  "gen_ai.usage.input_tokens.cache_write",
  "gen_ai.usage.details.cache_write_tokens",
  "llm.token_count.prompt_details.cache_write",
  "ai.usage.inputTokenDetails.cacheWriteTokens",
];
const REASONING = [
  "gen_ai.usage.reasoning.output_tokens",
  "gen_ai.usage.reasoning_tokens",
  "gen_ai.usage.experimental.reasoning_tokens",
  "gen_ai.usage.details.reasoning_tokens",
  "llm.token_count.completion_details.reasoning",
  "llm.usage.reasoning_tokens",
  "ai.usage.outputTokenDetails.reasoningTokens",
  "ai.usage.reasoningTokens",
];

/** Of a span or log record that follows a convention; undefined where it says nothing. */
export function readUsage(attributes: AttributeView): TokenUsage | undefined {
  return tokenUsage({
    input: attributes.count(...INPUT),
    output: attributes.count(...OUTPUT),
    total: attributes.count(...TOTAL),
    cached: attributes.count(...CACHED),
    cacheCreation: attributes.count(...CACHE_CREATION),
    reasoning: attributes.count(...REASONING),
  });
}

/**
 * Brings a sender's way to count to one. Conventions have cached tokens in the input and reasoning in the output; a part that is
 * larger than its whole was evidently counted beside it, and is added.
 *
 * @returns undefined where nothing is known of either side, or all is 0. A total alone is not split by guessing.
 */
export function tokenUsage(reported: ReportedUsage, shape: UsageShape = {}): TokenUsage | undefined {
  const { cached = 0, cacheCreation = 0, reasoning = 0, total } = reported;
  let { input, output } = reported;
  if (total !== undefined && total >= (input ?? output ?? total)) {
    if (input !== undefined) output ??= total - input;
    else if (output !== undefined) input = total - output;
  }
  if (input === undefined && output === undefined) return undefined;
  let inputTokens = input ?? 0;
  let outputTokens = output ?? 0;
  if (shape.isCacheBeside === true || cached + cacheCreation > inputTokens) {
    inputTokens += cached + cacheCreation;
  }
  if (shape.isReasoningBeside === true || reasoning > outputTokens) outputTokens += reasoning;
  if (inputTokens + outputTokens === 0) return undefined;
  return {
    inputTokens,
    outputTokens,
    ...(cached > 0 && { cachedTokens: cached }),
    ...(cacheCreation > 0 && { cacheCreationTokens: cacheCreation }),
    ...(reasoning > 0 && { reasoningTokens: reasoning }),
  };
}
