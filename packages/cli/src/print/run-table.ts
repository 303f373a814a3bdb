import type { RunSummary } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age, duration } from "./duration.ts";
import { shortened } from "./printable.ts";
import { table } from "./table.ts";

const NAME_WIDTH = 32;

type Costs = Pick<RunSummary, "costUsd" | "unpricedCalls" | "llmCalls">;

/** Runs, a line each. */
export function runTable(runs: readonly RunSummary[], colors: Colors): string {
  const headings = ["RUN", "NAME", "STATUS", "AGE", "DURATION", "TOOLS", "EXECS", "FAILED", "TOKENS", "COST"];
  return table(
    headings,
    runs.map((run) => [
      run.runId,
      shortened(run.name === "" ? "–" : run.name, NAME_WIDTH),
      run.status,
      age(run.startedAt),
      duration(run.durationMs),
      String(run.toolCalls),
      String(run.execs),
      String(run.failures),
      `${run.inputTokens} / ${run.outputTokens}`,
      costOf(run),
    ]),
    colors,
  );
}

/** `$0.0312`, a `+` behind it where some model call has no known price; `–` where none has one, and nothing else is known to cost. */
export function costOf({ costUsd, unpricedCalls, llmCalls }: Costs): string {
  if (costUsd === 0 && unpricedCalls === llmCalls) return "–";
  return `${dollars(costUsd)}${unpricedCalls > 0 ? "+" : ""}`;
}

/** Cents are too coarse for a single model call, and more than six digits say nothing. */
export function dollars(amount: number): string {
  return `$${amount.toFixed(amount !== 0 && amount < 0.01 ? 6 : 4)}`;
}
