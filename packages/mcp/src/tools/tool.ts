import type { CallToolResult, ToolAnnotations } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { ProgressStream } from "../output/progress.ts";
import type { CallPlace } from "../session.ts";

/** What a tool is called with, beside its arguments. */
export interface ToolCall extends CallPlace {
  /** Takes output as it comes. */
  progress: ProgressStream;
}

/** One tool, as data: what a model reads of it, and what it does. */
export interface Tool<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** As models call it. */
  name: string;
  title: string;
  /** Says what it is for, what it keeps from call to call, and its limits. */
  description: string;
  input: I;
  /** Of `structuredContent`. */
  output: O;
  annotations: ToolAnnotations;
  /** @throws SandglassError, which becomes the result */
  run(args: z.output<I>, call: ToolCall): Promise<CallToolResult & { structuredContent: z.output<O> }>;
}

/** Ties a tool's `run` to its own schemas, and forgets them where tools of all kinds stand in one list. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<I, O>): Tool {
  return tool as unknown as Tool;
}

/** Of every tool that works in a sandbox. */
export const sandboxId: z.ZodOptional<z.ZodString> = z
  .string()
  .regex(/^sbx_[0-9a-z]+$/, { error: 'must be a sandbox\'s id: "sbx_" and letters and digits' })
  .optional()
  .describe(
    "Where to work: a fork of this session's sandbox, or a sandbox of your own. Default: the sandbox of this session, made by the first call.",
  );

/** What a result says of where it was done. */
export const place = {
  sandbox_id: z.string().describe("Where it was done; later calls may name it as `sandbox_id`."),
  new_sandbox: z
    .boolean()
    .describe("The session's sandbox had ended and this one took its place: files and variables are gone."),
};
