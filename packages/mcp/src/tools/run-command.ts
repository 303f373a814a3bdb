import * as z from "zod";
import { execLimits, execOutput, followExec } from "./exec-tool.ts";
import { defineTool, sandboxId } from "./tool.ts";

/** `run_command`: a shell line, or a program with its arguments. */
export const runCommand = defineTool({
  name: "run_command",
  title: "Run a command",
  description:
    "Runs a shell command in an isolated Linux sandbox and returns stdout, stderr and the exit code. Each call is a process of its own; files stay. " +
    "The sandbox has no network. A program that should not be looked at by a shell is given as `argv`.",
  input: z
    .strictObject({
      command: z.string().min(1).optional().describe("A line for the shell. Either this or `argv`."),
      argv: z
        .array(z.string())
        .min(1)
        .optional()
        .describe("A program and its arguments, without a shell. Either this or `command`."),
      cwd: z.string().min(1).optional().describe("Where it starts. Default /workspace."),
      env: z.record(z.string(), z.string()).optional().describe("Added to the sandbox's environment."),
      stdin: z.string().optional().describe("Given to its standard input, which is then closed."),
      sandbox_id: sandboxId,
      ...execLimits,
    })
    .refine(({ command, argv }) => (command === undefined) !== (argv === undefined), {
      error: "must have either command or argv",
    }),
  output: execOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  run: (args, call) =>
    followExec(
      (sandbox, onStart) =>
        sandbox.commands.stream(args.command ?? args.argv ?? [], {
          ...(args.cwd !== undefined && { cwd: args.cwd }),
          ...(args.env !== undefined && { env: args.env }),
          ...(args.stdin !== undefined && { stdin: args.stdin }),
          timeoutMs: args.timeout_ms,
          signal: call.signal,
          onStart,
        }),
      args,
      call,
    ),
});
