import * as z from "zod";
import { execLimits, execOutput, followExec } from "./exec-tool.ts";
import { defineTool, sandboxId } from "./tool.ts";

/** `run_code`: a cell in a persistent interpreter. */
export const runCode = defineTool({
  name: "run_code",
  title: "Run code",
  description:
    "Runs code in an isolated Linux sandbox and returns stdout, stderr and the value of the last expression. Variables, imports and files " +
    "stay for the next call. The sandbox has no network. An exception is in stderr, with exit code 1; a " +
    "figure or image as the last expression comes back as an image.",
  input: z.strictObject({
    code: z.string().min(1).describe("What to run. Top-level await works in Python and JavaScript."),
    language: z
      .enum(["python", "javascript", "bash"])
      .optional()
      .describe(
        "Default: what the sandbox's template is for, which is Python unless somebody chose another.",
      ),
    context_id: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/)
      .optional()
      .describe(
        "Which interpreter: each has variables of its own, and runs one call after the other. Default: one a language.",
      ),
    sandbox_id: sandboxId,
    ...execLimits,
  }),
  output: execOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  run: (args, call) =>
    followExec(
      (sandbox, onStart) =>
        sandbox.runCodeStream(args.code, {
          ...(args.language !== undefined && { language: args.language }),
          ...(args.context_id !== undefined && { contextId: args.context_id }),
          timeoutMs: args.timeout_ms,
          signal: call.signal,
          onStart,
        }),
      args,
      call,
    ),
});
