/** Sandboxes as tools of the OpenAI Agents SDK (package `@openai/agents`). */
import { type FunctionTool, tool } from "@openai/agents-core";
import { createSandboxTool } from "./create-sandbox-tool.ts";
import {
  CODE_PARAMETERS,
  codeOf,
  INVALID_INPUT,
  type SandboxTool,
  type SandboxToolOptions,
} from "./tool-options.ts";

export type { SandboxTool, SandboxToolOptions } from "./tool-options.ts";

/**
 * A function tool for an `Agent`. The model gets text; what fails of the runtime ends the agent's run.
 *
 * @example
 * await using code = sandboxTool();
 * const agent = new Agent({ name: "Analyst", tools: [code.tool] });
 */
export function sandboxTool(options: SandboxToolOptions = {}): SandboxTool<FunctionTool> {
  return createSandboxTool(
    "openai-agents",
    options,
    (runner, { name, description }) =>
      tool({
        name,
        description,
        parameters: { ...CODE_PARAMETERS, required: [...CODE_PARAMETERS.required] } as const,
        strict: true,
        execute: async (input, _context, details) => {
          const code = codeOf(input);
          return code === undefined ? INVALID_INPUT : (await runner.run(code, details?.signal)).text;
        },
        // Nothing that fails of the runtime is the model's to mend.
        errorFunction: null,
      }) as FunctionTool,
  );
}
