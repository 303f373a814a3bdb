import { fork } from "./tools/fork.ts";
import { getEvents } from "./tools/get-events.ts";
import { getTrace } from "./tools/get-trace.ts";
import { listFiles } from "./tools/list-files.ts";
import { readFile } from "./tools/read-file.ts";
import { runCode } from "./tools/run-code.ts";
import { runCommand } from "./tools/run-command.ts";
import type { Tool } from "./tools/tool.ts";
import { writeFile } from "./tools/write-file.ts";

/** Every tool, in the order in which models are shown them. */
export const TOOLS: readonly Tool[] = [
  runCode,
  runCommand,
  readFile,
  writeFile,
  listFiles,
  fork,
  getEvents,
  getTrace,
];
