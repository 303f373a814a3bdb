import type { CallToolResult } from "@modelcontextprotocol/server";
import { SandglassError } from "sandglass";
import { textContent } from "./content.ts";

/** What the host's owner is told of errors that are none of the catalogue. */
export type OnProblem = (message: string, error: unknown) => void;

/**
 * An error as the result of a tool, with the catalogue's code and hint, so that the model can do something about it. What is none of
 * the catalogue is a mistake of ours: the model hears no more than that.
 */
export function failureResult(error: unknown, onProblem: OnProblem): CallToolResult {
  const known =
    error instanceof SandglassError
      ? error
      : new SandglassError("INTERNAL", "something went wrong inside the MCP server", {
          hint: "whoever runs it finds more in its log",
        });
  if (known !== error) onProblem("a tool call failed", error);
  const { code, message, hint, requestId } = known;
  const details = {
    code,
    message,
    ...(hint !== undefined && { hint }),
    ...(requestId !== undefined && { request_id: requestId }),
  };
  const text = `${code}: ${message}${hint === undefined ? "" : `\nHint: ${hint}`}`;
  return { isError: true, content: [textContent(text)], structuredContent: { error: details } };
}
