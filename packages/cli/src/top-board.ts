import type { RuntimeEvent, SandboxInfo } from "sandglass";

/** What `sandglass top` knows of a sandbox, as `--json` prints it. */
export interface TopRow {
  id: string;
  template: string;
  state: SandboxInfo["state"];
  createdAt: string;
  /** Of its limit, 0 to 1; null until it was measured. */
  cpu: number | null;
  memoryBytes: number | null;
  memoryLimitBytes: number;
  pids: number | null;
  /** Under way, and over. */
  running: number;
  execs: number;
  /** US dollars so far, model calls not included. */
  costUsd: number;
  /** Requests with telemetry that were refused, by reason. */
  refusedRequests: Record<string, number>;
}

type Known = Pick<TopRow, "cpu" | "memoryBytes" | "pids" | "execs" | "costUsd"> & { running: Set<string> };

/** Of the record, what {@link TopBoard} wants to hear. */
export const TOP_TYPES = [
  "resource.sample",
  "cost.runtime",
  "exec.started",
  "exec.completed",
  "sandbox.terminated",
] as const;

const MIB = 1024 * 1024;

/** Adds up what the record says of each sandbox. */
export class TopBoard {
  readonly #known = new Map<string, Known>();

  take(event: RuntimeEvent): void {
    if (event.sandboxId === "") return;
    if (event.type === "sandbox.terminated") {
      this.#known.delete(event.sandboxId);
      return;
    }
    const known = this.#of(event.sandboxId);
    if (event.type === "resource.sample") {
      known.cpu = event.data.cpuUtilization;
      known.memoryBytes = event.data.memoryUsageBytes;
      known.pids = event.data.pids;
    } else if (event.type === "cost.runtime") known.costUsd += event.data.costUsd;
    else if (event.type === "exec.started") known.running.add(event.data.execId);
    else if (event.type === "exec.completed") {
      known.running.delete(event.data.execId);
      known.execs++;
    }
  }

  /** The sandboxes that there are, those first that use most. */
  rows(sandboxes: readonly SandboxInfo[]): TopRow[] {
    const rows = sandboxes.map(({ id, template, state, createdAt, limits, telemetry }) => {
      const { running, ...known } = this.#of(id);
      const memoryLimitBytes = limits.memoryMb * MIB;
      const refusedRequests = telemetry?.refusedRequests ?? {};
      return {
        ...{ id, template, state, createdAt, memoryLimitBytes, ...known },
        ...{ running: running.size, refusedRequests },
      };
    });
    return rows.sort((a, b) => (b.cpu ?? 0) - (a.cpu ?? 0) || (b.memoryBytes ?? 0) - (a.memoryBytes ?? 0));
  }

  #of(id: string): Known {
    let known = this.#known.get(id);
    if (known === undefined) {
      known = { cpu: null, memoryBytes: null, pids: null, execs: 0, costUsd: 0, running: new Set() };
      this.#known.set(id, known);
    }
    return known;
  }
}
