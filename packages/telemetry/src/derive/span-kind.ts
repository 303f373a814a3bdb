import type { AttributeView } from "./attribute-view.ts";

/**
 * What a span stands for. `model`: one call of a model. `tool`: one call of a tool. `agent`: a turn or a run of an agent. `execution`: the
 * body of a tool, whose failure is the tool's. `other`: anything else, also what wraps calls of models and repeats what they used.
 */
export type SpanKind = "model" | "tool" | "agent" | "execution" | "other";

const OPERATIONS: Readonly<Record<string, SpanKind>> = {
  chat: "model",
  text_completion: "model",
  generate_content: "model",
  embeddings: "model",
  execute_tool: "tool",
  invoke_agent: "agent",
  create_agent: "agent",
  invoke_workflow: "agent",
};
const OPENINFERENCE: Readonly<Record<string, SpanKind>> = {
  LLM: "model",
  EMBEDDING: "model",
  TOOL: "tool",
  AGENT: "agent",
};
const LANGSMITH: Readonly<Record<string, SpanKind>> = { llm: "model", embedding: "model", tool: "tool" };
const TRACELOOP: Readonly<Record<string, SpanKind>> = { tool: "tool", agent: "agent" };
const OPENLLMETRY_REQUEST: Readonly<Record<string, SpanKind>> = {
  chat: "model",
  completion: "model",
  embedding: "model",
};
const CLAUDE_CODE: Readonly<Record<string, SpanKind>> = {
  "claude_code.llm_request": "model",
  "claude_code.tool": "tool",
  "claude_code.tool.execution": "execution",
  "claude_code.interaction": "agent",
};
const BY_ATTRIBUTE: readonly (readonly [name: string, kinds: Readonly<Record<string, SpanKind>>])[] = [
  ["gen_ai.operation.name", OPERATIONS],
  ["openinference.span.kind", OPENINFERENCE],
  ["langsmith.span.kind", LANGSMITH],
  ["traceloop.span.kind", TRACELOOP],
  ["llm.request.type", OPENLLMETRY_REQUEST],
];

/** @param scope name of the instrumentation scope */
export function spanKind(name: string, scope: string, attributes: AttributeView): SpanKind {
  if (name.startsWith("claude_code.")) return CLAUDE_CODE[name] ?? "other";
  // Their log events say the same, and more exactly.
  if (scope === "gemini-cli" || attributes.has("codex.usage.total_tokens")) return "other";
  const vercel = attributes.text("ai.operationId");
  if (vercel !== undefined) return vercelKind(vercel);
  for (const [attribute, kinds] of BY_ATTRIBUTE) {
    const value = attributes.text(attribute);
    // The first that is there decides, also where it names something unknown: "agent_step", "CHAIN", "workflow".
    if (value !== undefined) return Object.hasOwn(kinds, value) ? kinds[value]! : "other";
  }
  if (attributes.has("gen_ai.tool.name") || attributes.has("gen_ai.tool.call.id")) return "tool";
  return attributes.has("gen_ai.request.model") || attributes.has("gen_ai.response.model")
    ? "model"
    : "other";
}

/** `ai.generateText` wraps one `ai.generateText.doGenerate` a step, and adds up what they used. */
function vercelKind(operation: string): SpanKind {
  if (operation === "ai.toolCall") return "tool";
  return /\.do(?:Generate|Stream|Embed)$/.test(operation) ? "model" : "other";
}
