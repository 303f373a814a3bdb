import type { AttributeView } from "./attribute-view.ts";
import { cleanName } from "./captured-text.ts";

/** One call of a tool, from its begin to its end. */
export interface ToolCall {
  readonly name: string;
  /** The model's name for the call. */
  readonly callId?: string | undefined;
  readonly isError: boolean;
  /** Read only where content is wanted. */
  readonly arguments: () => string | undefined;
  readonly result: () => string | undefined;
}

const NAME = ["gen_ai.tool.name", "ai.toolCall.name", "tool.name", "tool_name", "traceloop.entity.name"];
const CALL_ID = ["gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool_use_id"];
/** Pydantic AI, Google ADK, OpenInference and OpenLLMetry have names of their own. */
const ARGUMENTS = [
  "gen_ai.tool.call.arguments",
  "ai.toolCall.args",
  "tool_arguments",
  "gcp.vertex.agent.tool_call_args",
  "input.value",
  "tool.parameters",
  "traceloop.entity.input",
];
const RESULT = [
  "gen_ai.tool.call.result",
  "ai.toolCall.result",
  "tool_response",
  "gcp.vertex.agent.tool_response",
  "output.value",
  "traceloop.entity.output",
];
/** What Google ADK writes for a call without an id, and for the span that joins calls which ran at once. */
const ADK_NO_ID = "<not specified>";
const ADK_MERGED = "(merged tools)";

/** @returns undefined for what is no call of its own */
export function readToolCall(
  spanName: string,
  attributes: AttributeView,
  hasFailed: boolean,
): ToolCall | undefined {
  const name = cleanName(attributes.text(...NAME) ?? spanName.replace(/^execute_tool /, ""));
  if (name === ADK_MERGED) return undefined;
  const callId = attributes.text(...CALL_ID);
  return {
    name,
    callId: callId === ADK_NO_ID ? undefined : callId,
    isError: hasFailed || attributes.has("error.type") || attributes.flag("success") === false,
    arguments: () => attributes.content(...ARGUMENTS),
    result: () => attributes.content(...RESULT),
  };
}
