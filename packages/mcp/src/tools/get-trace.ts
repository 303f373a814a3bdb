import * as z from "zod";
import { textContent } from "../output/content.ts";
import { spanTree } from "../output/span-tree.ts";
import { defineTool } from "./tool.ts";

/** More than a model makes sense of. */
const MAX_SPANS = 300;

const span = z.object({
  span_id: z.string(),
  parent_span_id: z.string(),
  name: z.string(),
  start_time: z.string(),
  duration_ms: z.number(),
  status: z.string(),
  cause: z.string().optional(),
  sandbox_id: z.string().optional(),
  attributes: z.record(z.string(), z.unknown()),
});

/** `get_trace`: what caused what. */
export const getTrace = defineTool({
  name: "get_trace",
  title: "Show a trace",
  description: `Shows what caused what in a trace, from the tool call down to the code, with durations and causes; at most ${MAX_SPANS} spans.`,
  input: z.strictObject({
    trace_id: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional()
      .describe("Of an earlier result. Default: the trace of this session."),
  }),
  output: z.object({
    trace_id: z.string(),
    spans: z.array(span),
    omitted: z.int().describe("Spans that are left out: the earliest are shown."),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(args, { client, run }) {
    // The calls of this session are sent in the background.
    await run.flush();
    const traceId = args.trace_id ?? run.traceId;
    const trace = await client.traces.get(traceId);
    const shown = trace.spans.slice(0, MAX_SPANS);
    const omitted = trace.spans.length - shown.length;
    const note = omitted === 0 ? "" : `\n[${omitted} more spans are left out]`;
    return {
      content: [textContent(`trace ${traceId}\n${spanTree(shown)}${note}`)],
      structuredContent: {
        trace_id: traceId,
        omitted,
        spans: shown.map((one) => ({
          span_id: one.spanId,
          parent_span_id: one.parentSpanId,
          name: one.name,
          start_time: one.startTime,
          duration_ms: one.durationMs,
          status: one.status,
          ...(one.cause !== undefined && { cause: one.cause }),
          ...(one.sandboxId !== undefined && one.sandboxId !== "" && { sandbox_id: one.sandboxId }),
          attributes: one.attributes,
        })),
      },
    };
  },
});
