import { spawn } from "node:child_process";
import { once } from "node:events";

export interface ProgramTimes {
  /** From the spawn to its first byte on stdout, milliseconds. */
  firstByteMs: number;
  /** From the spawn until it has ended and its output is closed, milliseconds. */
  totalMs: number;
}

/**
 * Runs a program to its end, as a program written in Node would.
 *
 * @param expected all it prints to stdout: a program that fails fast is not a fast one
 * @throws Error with what it wrote to stderr where it does not exit with 0, or prints something else
 */
export async function runProgram(argv: readonly string[], expected: string): Promise<ProgramTimes> {
  const [file = "", ...args] = argv;
  const started = performance.now();
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  let firstByteMs = Number.NaN;
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => {
    if (stdout === "") firstByteMs = performance.now() - started;
    stdout += bytes.toString("utf8");
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString("utf8");
  });
  const [code] = (await once(child, "close")) as [number | null];
  const totalMs = performance.now() - started;
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${stderr.trim().slice(0, 300)}`);
  if (stdout !== expected) throw new Error(`${file} printed ${JSON.stringify(stdout.slice(0, 100))}`);
  return { firstByteMs, totalMs };
}
