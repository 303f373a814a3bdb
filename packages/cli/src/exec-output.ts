import { outputBytes, type StreamEvent } from "sandglass";
import { connectionNotes } from "./connection-notes.ts";
import { Exit } from "./exit-codes.ts";
import type { OptionNames } from "./option-names.ts";
import { duration } from "./print/duration.ts";
import { printable, printableJson } from "./print/printable.ts";
import type { Terminal } from "./terminal.ts";

/** What options of commands that run something are called in the request. */
export const EXEC_OPTION_NAMES: OptionNames = {
  timeoutMs: "--timeout",
  cwd: "--cwd",
  env: "--env",
  stdin: "--stdin",
  language: "--language",
  contextId: "--context",
};

/** What is known beside the lines themselves, for the last of them. */
export interface ExecPlace {
  sandboxId: string;
  traceId: string;
}

/**
 * Passes an exec's output on, raw: stdout to stdout, stderr to stderr, a cell's result as text behind it. With `isJson`
 * every line as it came, the last one with sandbox and trace.
 *
 * @returns its exit code; 1 where the stream had no end
 */
export async function passOn(
  events: AsyncIterable<StreamEvent>,
  terminal: Terminal,
  isJson: boolean,
  place: () => ExecPlace,
): Promise<number> {
  for await (const event of events) {
    if (isJson) {
      await terminal.print(printableJson(event.type === "exit" ? { ...event, ...place() } : event));
    } else if (event.type === "stdout") {
      await terminal.write(outputBytes(event));
    } else if (event.type === "stderr") {
      await terminal.writeError(outputBytes(event));
    } else if (event.type === "result") {
      await terminal.print(event.data["text/plain"] ?? "");
    }
    if (event.type === "exit") {
      if (!isJson) await noteEnding(event, terminal);
      return event.code;
    }
  }
  return 1;
}

/** Says where {@link passOn} waits for the daemon. */
export function noteOutages(terminal: Terminal): (isConnected: boolean) => Promise<void> {
  return connectionNotes(terminal, "output from where it broke off");
}

/** An exec that did not end by itself gets a line that says why, and one of which there is more to say a line with that. */
async function noteEnding(exit: Extract<StreamEvent, { type: "exit" }>, terminal: Terminal): Promise<void> {
  const { red, yellow } = terminal.errorColors;
  if (exit.cause !== "exited") {
    const signal = exit.signal === undefined ? "" : ` (${exit.signal})`;
    const reason = exit.reason === undefined ? "" : `: ${printable(exit.reason)}`;
    await terminal.note(
      red(`sandglass: ${exit.cause}${signal}${reason}, after ${duration(exit.durationMs)}`),
    );
  } else if (exit.reason !== undefined) {
    await terminal.note(yellow(`sandglass: ${printable(exit.reason)}`));
  }
  if (exit.contextLost) await terminal.note(yellow("sandglass: the context's variables are gone"));
}

/** Throws the code as an {@link Exit}, unless it is 0. */
export function exitWith(code: number): void {
  if (code !== 0) throw new Exit(code);
}
