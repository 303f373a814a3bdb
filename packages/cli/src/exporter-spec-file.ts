import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { ExporterSpec } from "sandglass";
import { UsageError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/**
 * An exporter's specification as JSON from a file, or from stdin for "-". Never from the command line, which other users of the
 * machine can read. The daemon checks what is in it.
 *
 * @throws UsageError without what the file holds
 */
export async function readSpec(path: string, terminal: Terminal): Promise<ExporterSpec> {
  const content = path === "-" ? await text(terminal.stdin) : await readText(path);
  const from = path === "-" ? "what came on stdin" : path;
  let spec: unknown;
  try {
    spec = JSON.parse(content);
  } catch {
    throw new UsageError(`${from} is not valid JSON`);
  }
  if (typeof spec !== "object" || spec === null || Array.isArray(spec))
    throw new UsageError(`${from} is not an object like {"provider": "jsonl", "config": {…}}`);
  return spec as ExporterSpec;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(`--file cannot be read: ${(error as Error).message}`);
  }
}
