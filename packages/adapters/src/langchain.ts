/** Sandboxes as tools of LangChain and LangGraph (package `@langchain/core`). */
import { type DynamicStructuredTool, tool } from "@langchain/core/tools";
import { createSandboxTool } from "./create-sandbox-tool.ts";
import { CODE_PARAMETERS, type SandboxTool, type SandboxToolOptions } from "./tool-options.ts";

export type { SandboxTool, SandboxToolOptions } from "./tool-options.ts";

/**
 * A structured tool for `bindTools`, `createAgent` and `ToolNode`. The model gets text; the artifact of the `ToolMessage` is the whole
 * `ExecResult`.
 *
 * @example
 * await using code = sandboxTool();
 * const agent = createAgent({ model, tools: [code.tool] });
 */
export function sandboxTool(options: SandboxToolOptions = {}): SandboxTool<DynamicStructuredTool> {
  return createSandboxTool(
    "langchain",
    options,
    (runner, { name, description }) =>
      tool(
        async (input, config) => {
          const { code } = input as { code: string };
          const { text, exec } = await runner.run(code, config.signal);
          return [text, exec];
        },
        { name, description, schema: CODE_PARAMETERS, responseFormat: "content_and_artifact" },
      ) as unknown as DynamicStructuredTool,
  );
}
