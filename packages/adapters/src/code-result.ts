import type { ExecResult } from "sandglass";

/** How a call went: all of it, and what of it a model is shown. */
export interface CodeResult {
  /** For the model: output, value and ending, cut to the limit. */
  text: string;
  /** The code raised, or did not come to its end. */
  isError: boolean;
  /** Uncut. */
  exec: ExecResult;
}

/** @param maxChars of stdout, of stderr and of the value each */
export function toCodeResult(exec: ExecResult, maxChars: number): CodeResult {
  const { stdout, stderr, result, exitCode, cause, reason } = exec;
  const isError = exitCode !== 0 || cause !== "exited";
  const value = result?.["text/plain"];
  const parts = [
    stdout !== "" && headAndTail(stdout, maxChars),
    stderr !== "" && `[stderr]\n${headAndTail(stderr, maxChars)}`,
    value !== undefined && `[value]\n${headAndTail(value, maxChars)}`,
    isError && `[${cause === "exited" ? `exit code ${exitCode}` : ending(exitCode, cause, reason)}]`,
    exec.contextLost === true && "[the interpreter was started anew: variables are gone, files are kept]",
  ].filter((part) => part !== false);
  // An empty result reads as a failure to some models, and to some APIs it is one.
  return { text: parts.map((part) => part.trimEnd()).join("\n") || "[no output]", isError, exec };
}

function ending(exitCode: number, cause: string, reason: string | undefined): string {
  return `ended: ${cause}${reason === undefined ? "" : `, ${reason}`}, exit code ${exitCode}`;
}

/** The beginning and the end of a text that is too long, with a line between that says how much is missing. */
export function headAndTail(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = wholeCharacters(text.slice(0, Math.ceil(maxChars / 2)));
  const tail = maxChars < 2 ? "" : wholeCharacters(text.slice(-Math.floor(maxChars / 2)));
  const missing = text.length - head.length - tail.length;
  return `${head}\n[… ${missing} characters left out …]\n${tail}`;
}

/** Without a half of a surrogate pair at either end, which no JSON parser has to take. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
}
