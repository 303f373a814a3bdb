import type { CallToolResult } from "@modelcontextprotocol/server";
import { outputBytes, outputText, type Sandbox, StreamError, type StreamEvent } from "sandglass";
import * as z from "zod";
import { CappedOutput } from "../output/capped-output.ts";
import { imagesOf, textContent } from "../output/content.ts";
import { place, type ToolCall } from "./tool.ts";

const DEFAULT_OUTPUT_BYTES = 32 * 1024;
const MAX_OUTPUT_BYTES = 1024 * 1024;
export const DEFAULT_TIMEOUT_MS: number = 120_000;
const MAX_TIMEOUT_MS = 3_600_000;
/** Of a result's own text: the value of a cell may be as long as its output. */
const MAX_RESULT_BYTES = 32 * 1024;

/** Arguments of every tool that runs something. */
export const execLimits = {
  timeout_ms: z
    .int()
    .min(1)
    .max(MAX_TIMEOUT_MS)
    .default(DEFAULT_TIMEOUT_MS)
    .describe("Milliseconds until it is ended, with the cause `timed_out`."),
  max_output_bytes: z
    .int()
    .min(256)
    .max(MAX_OUTPUT_BYTES)
    .default(DEFAULT_OUTPUT_BYTES)
    .describe(
      "How much of stdout, and of stderr, comes back: of more, the beginning and the end. It does not limit what is written.",
    ),
};

/** What every tool that runs something returns. */
export const execOutput = z.object({
  ...place,
  exec_id: z.string(),
  trace_id: z.string().describe("For get_trace and get_events."),
  exit_code: z.int().describe("128 + the signal's number where a signal ended it."),
  signal: z.string().optional(),
  cause: z
    .string()
    .describe(
      "Why it ended: exited, timed_out, oom_killed, disk_full, output_limit, killed, sandbox_ended, …",
    ),
  reason: z.string().optional().describe("Says the limit in words where the cause is one."),
  duration_ms: z.number(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_bytes: z.int().describe("All that was written."),
  stderr_bytes: z.int(),
  truncated: z.boolean().describe("Something of stdout or stderr is left out here."),
  result: z.string().optional().describe("Of code: the value of the last expression."),
  result_types: z.array(z.string()).optional().describe("The forms in which that value was given."),
  variables_lost: z
    .boolean()
    .optional()
    .describe("The interpreter has gone: the next call starts a fresh one."),
});
export type ExecOutput = z.output<typeof execOutput>;

/** Follows an exec to its end, tells of it as it goes, and makes a result of it. */
export async function followExec(
  stream: (sandbox: Sandbox, onStart: (exec: { traceId: string }) => void) => AsyncIterable<StreamEvent>,
  args: { sandbox_id?: string | undefined; max_output_bytes: number },
  call: ToolCall,
): Promise<CallToolResult & { structuredContent: ExecOutput }> {
  return call.sandboxes.use(call.run, args.sandbox_id, async ({ sandbox, isReplacement }) => {
    const stdout = new CappedOutput(args.max_output_bytes);
    const stderr = new CappedOutput(args.max_output_bytes);
    let result: Record<string, string> | undefined;
    let exit: Extract<StreamEvent, { type: "exit" }> | undefined;
    let traceId = "";
    const lines = stream(sandbox, (exec) => {
      traceId = exec.traceId;
    });
    for await (const event of lines) {
      if (event.type === "exit") exit = event;
      else if (event.type === "result") result = event.data;
      else {
        (event.type === "stdout" ? stdout : stderr).add(outputBytes(event));
        call.progress.add(outputText(event));
      }
    }
    await call.progress.end();
    if (exit === undefined) throw new StreamError("the stream ended without its exit line");
    const out = stdout.end("stdout");
    const err = stderr.end("stderr");
    const structured: ExecOutput = {
      sandbox_id: sandbox.id,
      new_sandbox: isReplacement,
      exec_id: exit.execId,
      trace_id: traceId,
      exit_code: exit.code,
      ...(exit.signal !== undefined && { signal: exit.signal }),
      cause: exit.cause,
      ...(exit.reason !== undefined && { reason: exit.reason }),
      duration_ms: exit.durationMs,
      stdout: out.text,
      stderr: err.text,
      stdout_bytes: out.totalBytes,
      stderr_bytes: err.totalBytes,
      truncated: out.omittedBytes + err.omittedBytes > 0,
      ...(result !== undefined && resultOf(result)),
      ...(exit.contextLost === true && { variables_lost: true }),
    };
    return {
      content: [textContent(inWords(structured)), ...imagesOf(result)],
      structuredContent: structured,
      // Code that fails has been run as it was asked for; an ending that something else brought about has not.
      isError: exit.cause !== "exited",
    };
  });
}

function resultOf(result: Readonly<Record<string, string>>): Pick<ExecOutput, "result" | "result_types"> {
  const value = new CappedOutput(MAX_RESULT_BYTES);
  value.add(Buffer.from(result["text/plain"] ?? ""));
  return { result: value.end("the value").text, result_types: Object.keys(result) };
}

/** As a person would read it in a terminal, with how it ended in the last line. */
function inWords(output: ExecOutput): string {
  const parts: string[] = [];
  if (output.new_sandbox)
    parts.push(
      "[the session's sandbox had ended: this is a new one, without the files and variables of before]",
    );
  if (output.stdout !== "") parts.push(output.stdout.replace(/\n$/, ""));
  if (output.result !== undefined) parts.push(`[result]\n${output.result}`);
  if (output.stderr !== "") parts.push(`[stderr]\n${output.stderr.replace(/\n$/, "")}`);
  if (output.truncated)
    parts.push(
      `[for all of the output, write it to a file and take read_file with an offset; or: sandglass logs ${output.exec_id}]`,
    );
  if (output.variables_lost === true) parts.push("[the interpreter has gone, and its variables with it]");
  const how =
    output.cause === "exited"
      ? `exit code ${output.exit_code}`
      : `${output.cause}, exit code ${output.exit_code}`;
  const why = output.reason === undefined ? "" : `: ${output.reason}`;
  parts.push(`[${how}${why}, ${Math.round(output.duration_ms)} ms, sandbox ${output.sandbox_id}]`);
  return parts.join("\n");
}
