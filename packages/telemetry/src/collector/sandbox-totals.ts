import type { SandboxTelemetry } from "@sandglass/protocol";
import { addEach } from "../otlp/receiver/add-counts.ts";
import { hasSent } from "./sandbox-reports.ts";

/** What one sandbox sent to the collector's processes that served it, one after the other. */
export class SandboxTotals {
  #before: SandboxTelemetry | undefined;
  #last: SandboxTelemetry | undefined;
  #generation = 0;

  /** @param generation which process says so */
  hear(sent: SandboxTelemetry, generation: number): void {
    if (generation !== this.#generation) this.#before = this.total();
    this.#generation = generation;
    this.#last = sent;
  }

  /** Undefined where that is nothing. A copy. */
  total(): SandboxTelemetry | undefined {
    const [before, last] = [this.#before, this.#last];
    const total = before === undefined ? last && structuredClone(last) : sumOf(before, last);
    return total === undefined || hasSent(total) === 0 ? undefined : total;
  }
}

function sumOf(a: SandboxTelemetry, b: SandboxTelemetry | undefined): SandboxTelemetry {
  const sum = structuredClone(a);
  if (b === undefined) return sum;
  sum.acceptedItems += b.acceptedItems;
  sum.acceptedBytes += b.acceptedBytes;
  addEach(sum.refusedRequests, b.refusedRequests);
  addEach(sum.rejectedItems, b.rejectedItems);
  return sum;
}
