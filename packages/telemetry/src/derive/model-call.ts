import type { AttributeView } from "./attribute-view.ts";
import { cleanName } from "./captured-text.ts";
import { readUsage, type TokenUsage, tokenUsage } from "./token-usage.ts";

/** One call of a model, as one span or log record tells it. */
export interface ModelCall {
  /** The names that it goes by, the most exact first: what answered, what was asked for. */
  readonly models: readonly string[];
  readonly provider?: string | undefined;
  readonly usage?: TokenUsage | undefined;
  /** As the sender says. */
  readonly costUsd?: number | undefined;
}

const RESPONSE_MODEL = ["gen_ai.response.model", "ai.response.model", "llm.response.model"];
const REQUEST_MODEL = [
  "gen_ai.request.model",
  "ai.model.id",
  "llm.model_name",
  "embedding.model_name",
  "llm.request.model",
  "model",
];
const PROVIDER = ["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"];
/** Logfire and Pydantic AI; OpenInference. */
const COST = ["operation.cost", "llm.cost.total"];

/** By the conventions that `readUsage` knows. */
export function readModelCall(attributes: AttributeView): ModelCall {
  return {
    ...readModel(attributes),
    usage: readUsage(attributes),
    costUsd: attributes.amount(...COST),
  };
}

/** A `claude_code.llm_request` span: names of its own, and cached input beside the rest. */
export function readClaudeCodeRequest(attributes: AttributeView): ModelCall {
  return { ...readModel(attributes), usage: claudeCodeUsage(attributes) };
}

/** Of Claude Code's spans and log events alike. */
export function claudeCodeUsage(attributes: AttributeView): TokenUsage | undefined {
  return tokenUsage(
    {
      input: attributes.count("input_tokens"),
      output: attributes.count("output_tokens"),
      cached: attributes.count("cache_read_tokens"),
      cacheCreation: attributes.count("cache_creation_tokens"),
    },
    { isCacheBeside: true },
  );
}

function readModel(attributes: AttributeView): Pick<ModelCall, "models" | "provider"> {
  const models = [attributes.text(...RESPONSE_MODEL), attributes.text(...REQUEST_MODEL)];
  const provider = attributes.text(...PROVIDER);
  return {
    models: models.flatMap((model) => (model === undefined ? [] : [cleanName(model)])),
    provider: provider === undefined ? undefined : cleanName(provider),
  };
}
