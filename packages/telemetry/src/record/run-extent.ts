import type { DurableLog } from "../log/durable-log.ts";
import { readRecord } from "./record-query.ts";

/** How far a run reaches, as far as the log still tells. */
export interface RunExtent {
  /** It was opened, and has no end. */
  isRunning: boolean;
  /** Sandboxes that were made for it. */
  sandboxIds: string[];
  /** Those among them that another run has said something about: they are not its alone. */
  shared: string[];
}

/** Reads the log through, and from the first of the run's sandboxes on once more: nobody can name one that is not there yet. */
export async function runExtent(log: DurableLog, runId: string, orgId: string): Promise<RunExtent> {
  let isRunning = false;
  const own = new Set<string>();
  let first: string | undefined;
  const types = ["run.started", "run.completed", "sandbox.created"];
  for await (const { event, cursor } of readRecord(log, { runId, orgId, filter: { types } })) {
    if (event === undefined) continue;
    if (event.type === "sandbox.created") {
      own.add(event.sandboxId);
      first ??= cursor;
    } else isRunning = event.type === "run.started";
  }
  const shared = new Set<string>();
  if (first !== undefined) {
    const ofAgents = { types: ["agent.*", "cost.llm"] };
    for await (const { event } of readRecord(log, { orgId, after: first, filter: ofAgents })) {
      if (event === undefined || event.runId === runId || event.runId === "") continue;
      if (own.has(event.sandboxId)) shared.add(event.sandboxId);
    }
  }
  return { isRunning, sandboxIds: [...own], shared: [...shared] };
}
