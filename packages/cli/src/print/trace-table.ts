import type { TraceSummary } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age, duration } from "./duration.ts";
import { shortened } from "./printable.ts";
import { table } from "./table.ts";

const SUBJECT_WIDTH = 48;
const NAME_WIDTH = 24;

/** Traces, a line each. */
export function traceTable(traces: readonly TraceSummary[], colors: Colors): string {
  return table(
    ["TRACE", "ABOUT", "NAME", "AGE", "DURATION", "SPANS", "ERRORS", "SANDBOX"],
    traces.map((trace) => [
      trace.traceId,
      shortened(trace.subject === "" ? "–" : trace.subject, SUBJECT_WIDTH),
      shortened(trace.name === "" ? "–" : trace.name, NAME_WIDTH),
      age(trace.startTime),
      duration(trace.durationMs),
      String(trace.spans),
      String(trace.errors),
      trace.sandboxId === "" ? "–" : trace.sandboxId,
    ]),
    colors,
  );
}
