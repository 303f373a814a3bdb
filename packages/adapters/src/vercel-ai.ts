/** Sandboxes as tools of the Vercel AI SDK (package `ai`). */
import { jsonSchema, type Tool, tool } from "ai";
import type { ExecResult } from "sandglass";
import { createSandboxTool } from "./create-sandbox-tool.ts";
import {
  CODE_PARAMETERS,
  codeOf,
  INVALID_INPUT,
  type SandboxTool,
  type SandboxToolOptions,
} from "./tool-options.ts";

export type { SandboxTool, SandboxToolOptions } from "./tool-options.ts";

/** What the program gets of a call; the model gets `text` alone. */
export interface CodeOutput {
  /** Cut to `maxOutputChars`. */
  text: string;
  /** The code raised, or did not come to its end. */
  isError: boolean;
  exitCode: number;
  cause: ExecResult["cause"];
  execId: string;
  traceId: string;
}

/**
 * A tool for `generateText` and `streamText`.
 *
 * @example
 * await using code = sandboxTool();
 * await generateText({ model, prompt, tools: { run_code: code.tool }, stopWhen: isStepCount(10) });
 */
export function sandboxTool(
  options: SandboxToolOptions = {},
): SandboxTool<Tool<{ code: string }, CodeOutput>> {
  return createSandboxTool("vercel-ai", options, (runner, { description }) =>
    tool({
      description,
      inputSchema: jsonSchema<{ code: string }>(CODE_PARAMETERS, {
        validate: (input) => {
          const code = codeOf(input);
          if (code === undefined) return { success: false, error: new TypeError(INVALID_INPUT) };
          return { success: true, value: { code } };
        },
      }),
      execute: async ({ code }, { abortSignal }): Promise<CodeOutput> => {
        const { text, isError, exec } = await runner.run(code, abortSignal);
        const { exitCode, cause, execId, traceId } = exec;
        return { text, isError, exitCode, cause, execId, traceId };
      },
      toModelOutput: ({ output }) => ({
        type: output.isError ? "error-text" : "text",
        value: output.text,
      }),
    }),
  );
}
