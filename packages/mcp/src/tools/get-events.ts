import type { EventLine } from "sandglass";
import * as z from "zod";
import { textContent } from "../output/content.ts";
import { defineTool, sandboxId } from "./tool.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
/** Of one event's data as text: code and output may be long. */
const MAX_DATA_CHARS = 300;
/** Of one string within an event. */
const MAX_STRING_CHARS = 2000;

type Event = Exclude<EventLine, { type: "gap" }>;

/** `get_events`: what the record says, of this session unless something else is named. */
export const getEvents = defineTool({
  name: "get_events",
  title: "Read the record",
  description:
    "Reads what was recorded: sandboxes, executions and why they ended, files, network, tool calls, costs. Default: the last events of this " +
    "session; or those of a sandbox or a trace.",
  input: z.strictObject({
    types: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Patterns, e.g. ["exec.*", "sandbox.terminated", "!exec.streamed"]. Default: all.'),
    min_level: z
      .enum(["debug", "info", "warn", "error"])
      .optional()
      .describe("This one and the more severe ones."),
    sandbox_id: sandboxId.describe("Events of this sandbox, instead of this session's."),
    trace_id: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional()
      .describe("Events of this trace, instead of this session's."),
    after: z
      .string()
      .min(1)
      .optional()
      .describe("`cursor` of an earlier answer: what came behind it, from there on."),
    limit: z
      .int()
      .min(1)
      .max(MAX_LIMIT)
      .default(DEFAULT_LIMIT)
      .describe("The last so many; with `after` the first."),
  }),
  output: z.object({
    events: z.array(z.record(z.string(), z.unknown())),
    cursor: z.string().optional().describe("For `after`; absent where there are no events."),
    omitted: z.int().describe("Earlier ones that match and are left out."),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(args, { client, run, signal }) {
    // The calls of this session are sent in the background.
    await run.flush();
    const { types, min_level: minLevel, sandbox_id: sandbox, trace_id: traceId, after, limit } = args;
    const isNarrowed = sandbox !== undefined || traceId !== undefined;
    const found: Event[] = [];
    let omitted = 0;
    const lines = client.events({
      ...(types !== undefined && { types }),
      ...(minLevel !== undefined && { minLevel }),
      ...(isNarrowed ? {} : { runId: run.runId }),
      ...(sandbox !== undefined && { sandboxId: sandbox }),
      ...(traceId !== undefined && { traceId }),
      ...(after !== undefined && { after, limit }),
      signal,
    });
    for await (const line of lines) {
      if (line.type === "gap") continue;
      found.push(line);
      if (found.length > limit) {
        found.shift();
        omitted += 1;
      }
    }
    const cursor = found.at(-1)?.cursor;
    const text = found.map(inOneLine).join("\n");
    return {
      content: [textContent(text === "" ? "[no events]" : text)],
      structuredContent: {
        events: found.map(({ cursor: _, ...event }) => shortened(event) as Record<string, unknown>),
        omitted,
        ...(cursor !== undefined && { cursor }),
      },
    };
  },
});

function inOneLine({ timestamp, level, type, sandboxId: sandbox, data }: Event): string {
  const said = JSON.stringify(data);
  const cut = said.length > MAX_DATA_CHARS ? `${said.slice(0, MAX_DATA_CHARS)}…` : said;
  return `${timestamp} ${level} ${type}${sandbox === "" ? "" : ` ${sandbox}`} ${cut}`;
}

/** The same value with its long strings cut. */
function shortened(value: unknown): unknown {
  if (typeof value === "string")
    return value.length > MAX_STRING_CHARS ? `${value.slice(0, MAX_STRING_CHARS)}…` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shortened(part)]));
}
