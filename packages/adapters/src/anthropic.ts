/** Sandboxes as tools of Anthropic's Messages API (package `@anthropic-ai/sdk`, of which only types are used). */
import type Anthropic from "@anthropic-ai/sdk";
import { createSandboxTool } from "./create-sandbox-tool.ts";
import {
  CODE_PARAMETERS,
  codeOf,
  INVALID_INPUT,
  type SandboxTool,
  type SandboxToolOptions,
} from "./tool-options.ts";

export type { SandboxTool, SandboxToolOptions } from "./tool-options.ts";

/** A client tool, and what answers the model's use of it. */
export interface AnthropicSandboxTool extends SandboxTool<Anthropic.Messages.Tool> {
  /**
   * Runs every use of this tool in a message, one after the other.
   *
   * @returns the content of the user's next message; empty where the model did not use the tool
   * @throws SandglassError where the runtime fails
   */
  results(
    message: Pick<Anthropic.Messages.Message, "content">,
    options?: { signal?: AbortSignal },
  ): Promise<Anthropic.Messages.ToolResultBlockParam[]>;
}

/**
 * @example
 * await using code = sandboxTool();
 * const message = await anthropic.messages.create({ model, max_tokens, messages, tools: [code.tool] });
 * messages.push(message, { role: "user", content: await code.results(message) });
 */
export function sandboxTool(options: SandboxToolOptions = {}): AnthropicSandboxTool {
  let results: AnthropicSandboxTool["results"] | undefined;
  const made = createSandboxTool("anthropic", options, (runner, { name, description }) => {
    results = async ({ content }, { signal } = {}) => {
      const blocks: Anthropic.Messages.ToolResultBlockParam[] = [];
      for (const use of content) {
        if (use.type !== "tool_use" || use.name !== name) continue;
        blocks.push({ type: "tool_result", tool_use_id: use.id, ...(await answer(use.input, signal)) });
      }
      return blocks;
    };
    const answer = async (input: unknown, signal: AbortSignal | undefined) => {
      const code = codeOf(input);
      if (code === undefined) return { content: INVALID_INPUT, is_error: true };
      const { text, isError } = await runner.run(code, signal);
      return { content: text, is_error: isError };
    };
    return {
      name,
      description,
      input_schema: { ...CODE_PARAMETERS, required: [...CODE_PARAMETERS.required] },
    } satisfies Anthropic.Messages.Tool;
  });
  return { ...made, results: results as AnthropicSandboxTool["results"] };
}
