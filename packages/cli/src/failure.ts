import { CommanderError } from "commander";
import { ConnectionError, SandglassError, StreamError, TimeoutError } from "sandglass";
import { EXIT, Exit, UsageError } from "./exit-codes.ts";
import { printable, printableJson } from "./print/printable.ts";
import type { Terminal } from "./terminal.ts";

/** Says on stderr what went wrong and what to do about it; the exit code that stands for it. */
export async function reportFailure(error: unknown, terminal: Terminal, isJson: boolean): Promise<number> {
  if (error instanceof Exit) return error.code;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    // Words commander has printed itself, and help where no command was named.
    if (isJson && error.code !== "commander.help")
      await terminal.note(printableJson({ error: describeUsage(error) }));
    return EXIT.usage;
  }
  if (isJson) await terminal.note(printableJson({ error: describe(error) }));
  else await reportInWords(error, terminal);
  return exitCodeOf(error);
}

async function reportInWords(error: unknown, terminal: Terminal): Promise<void> {
  const { message, hint, requestId } = describe(error);
  const { red, dim } = terminal.errorColors;
  await terminal.note(`${red("sandglass:")} ${printable(message)}`);
  if (hint !== undefined) await terminal.note(`  ${printable(hint)}`);
  if (requestId !== undefined) await terminal.note(dim(`  request ${printable(requestId)}`));
}

interface Description {
  code: string;
  message: string;
  hint?: string | undefined;
  requestId?: string | undefined;
}

function describe(error: unknown): Description {
  if (error instanceof SandglassError) {
    const { code, message, hint, requestId } = error;
    return { code, message, hint: hintForCommand(hint), requestId };
  }
  if (error instanceof UsageError) return { code: "USAGE", message: error.message };
  return { code: "FAILED", message: error instanceof Error ? error.message : String(error) };
}

function describeUsage({ message }: CommanderError): Description {
  const [first = "", ...hints] = message.replace(/^error: /, "").split("\n");
  const hint = hints.map((line) => line.replace(/^\((.*)\)$/, "$1")).join(" ");
  return { code: "USAGE", message: first, ...(hint !== "" && { hint }) };
}

/** What a client is made with, and what gives it here. */
const CLIENT_OPTIONS: Readonly<Record<string, string>> = {
  apiKey: "--api-key-file",
  baseUrl: "--url",
  caFile: "--ca-file",
};

/** In the words of the command line; none where it is for those who write requests themselves. */
function hintForCommand(hint: string | undefined): string | undefined {
  if (hint?.startsWith("GET /openapi.json")) return undefined;
  if (hint?.startsWith("continue with events("))
    return "is the daemon running? start it with `sandglass serve`";
  return hint?.replace(/\b(?:apiKey|baseUrl|caFile)\b/g, (name) => CLIENT_OPTIONS[name] ?? name);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ConnectionError || error instanceof TimeoutError || error instanceof StreamError) {
    return EXIT.unreachable;
  }
  return error instanceof SandglassError && error.code === "INVALID_REQUEST" ? EXIT.usage : EXIT.failure;
}
