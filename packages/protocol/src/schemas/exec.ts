import * as z from "zod";
import { SIGNALS, type SignalName } from "../signals.ts";
import { argument, durationMs, environment, path, textUpTo } from "./fields.ts";
import { queryInteger } from "./query-fields.ts";
import { Cause } from "./sandbox.ts";
import { strictObject } from "./strict-object.ts";

const MAX_TEXT_BYTES = 8 * 1024 * 1024;
const MAX_ARGUMENTS = 4096;
const SUBJECTS = ["code", "command", "argv"] as const;
const ONLY_OF_CODE = ["language", "contextId"] as const;
const SIGNAL_NAMES = Object.keys(SIGNALS) as [SignalName, ...SignalName[]];

export const Language = z.enum(["python", "javascript", "bash"]);

export const ExecRequest = strictObject({
  code: textUpTo(MAX_TEXT_BYTES, "8 MiB")
    .optional()
    .describe("A cell, run in a persistent interpreter whose last expression comes back as `result`."),
  language: Language.optional().describe('Of the cell. Default "python".'),
  contextId: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: "must be 1 to 64 letters, digits, _, . or -" })
    .optional()
    .describe(
      "Which interpreter: cells of one context share its state and queue in order. Default: one a language.",
    ),
  command: argument().optional().describe("A line for the shell."),
  argv: z
    .array(argument({ mayBeEmpty: true }))
    .min(1, { error: "must name a program first" })
    .max(MAX_ARGUMENTS)
    .optional()
    .describe("A program and its arguments, without a shell."),
  cwd: path.optional().describe("Where it starts. Default `/workspace`. Commands only."),
  env: environment.optional().describe("In addition to that of the sandbox."),
  stdin: textUpTo(MAX_TEXT_BYTES, "8 MiB")
    .optional()
    .describe("Given to its stdin, which is then closed. Commands only."),
  timeoutMs: durationMs("no timeout of its own").optional().describe("0 is none."),
})
  .superRefine((request, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    const given = SUBJECTS.filter((subject) => request[subject] !== undefined);
    if (given.length === 0) complain("must say what to run: one of code, command, argv");
    if (given.length > 1) complain(`must have one of code, command, argv, not ${given.join(" and ")}`);
    if (given.length !== 1) return;
    if (request.argv?.[0] === "") complain("must name a program in argv[0], which is empty");
    if (given[0] === "code") {
      if (request.cwd !== undefined)
        complain("must not have cwd with code: a context has a directory of its own, which its cells change");
      if (request.stdin !== undefined)
        complain("must not have stdin with code: a cell reads none, use command");
      return;
    }
    for (const option of ONLY_OF_CODE) {
      if (request[option] !== undefined)
        complain(`must not have ${option} with ${given[0]}: it is of code alone`);
    }
  })
  .meta({ oneOf: SUBJECTS.map((subject) => ({ required: [subject] })) });

export const ExecInfo = z.object({
  id: z.string(),
  sandboxId: z.string(),
  state: z.enum(["queued", "running", "completed"]),
  kind: z.enum(["code", "command"]),
  language: Language.optional(),
  contextId: z.string().optional(),
  code: z.string().optional(),
  command: z.string().optional(),
  traceId: z.string(),
  spanId: z.string(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  exitCode: z.int().optional(),
  signal: z.string().optional(),
  cause: Cause.optional(),
  reason: z.string().optional(),
  durationMs: z.number().optional(),
  cpuMs: z.number().optional(),
  maxRssBytes: z.int().optional(),
  stdoutBytes: z.int(),
  stderrBytes: z.int(),
});

export const ExecPage = z.object({ items: z.array(ExecInfo), nextCursor: z.string().optional() });

export const KillRequest = strictObject({ signal: z.enum(SIGNAL_NAMES).default("SIGKILL") });

const line = { seq: z.int(), ts: z.int() };

export const OutputEvent = z.object({
  ...line,
  type: z.enum(["stdout", "stderr"]),
  data: z.string(),
  encoding: z.literal("base64").optional(),
});
export const ResultEvent = z.object({
  ...line,
  type: z.literal("result"),
  data: z.record(z.string(), z.string()),
});
export const ExitEvent = z.object({
  ...line,
  type: z.literal("exit"),
  data: z.int(),
  code: z.int(),
  signal: z.string().optional(),
  cause: Cause,
  reason: z.string().optional(),
  durationMs: z.number(),
  execId: z.string(),
  contextLost: z.boolean().optional(),
});

/** One line of an exec's NDJSON stream; the last is always `exit`. */
export const StreamEvent = z.discriminatedUnion("type", [OutputEvent, ResultEvent, ExitEvent]);

/** `after`: the seq of the last line that was received. */
export const StreamQuery = strictObject({
  after: queryInteger(0, Number.MAX_SAFE_INTEGER, "as the seq of a line").optional(),
});
export type StreamQuery = z.output<typeof StreamQuery>;
