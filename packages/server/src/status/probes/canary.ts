import { randomInt } from "node:crypto";
import {
  type CallContext,
  type Language,
  newTraceId,
  SandglassError,
  type StreamEvent,
} from "@sandglass/protocol";
import type { RuntimeApi, SandboxHandle } from "@sandglass/runtime";
import { CANARY_METADATA, CANARY_ORG } from "../canary-org.ts";
import type { Observation, Probe } from "../component-spec.ts";
import { slug } from "../component-spec.ts";

/** Prints what has to be worked out, so that an interpreter which merely starts is not enough. */
const CELLS: Readonly<Record<Language, (product: string) => string>> = {
  python: (product) => `print(${product})`,
  javascript: (product) => `console.log(${product})`,
  bash: (product) => `echo $((${product}))`,
};
const FACTORS = 10_000;
/** Should anything keep a canary from being destroyed, it ends by itself. */
const LIFETIME_MS = 120_000;

export interface CanaryOptions {
  template: string;
  /** What the template is for. */
  language: Language;
  intervalMs: number;
  timeoutMs: number;
}

/**
 * A synthetic user of one template: makes a sandbox (never one of the warm pool, which is there for users), runs a cell in it, checks what
 * that printed, destroys it. One at a time: while one that hangs has not ended, the next fails without beginning.
 */
export function canaryProbe(runtime: RuntimeApi, options: CanaryOptions): Omit<Probe, "isPublic"> {
  const { template, language, intervalMs, timeoutMs } = options;
  let underWay: Promise<unknown> | undefined;
  return {
    id: `template-${slug(template)}`,
    name: `Sandboxes: ${template}`,
    group: "Sandboxes",
    isCore: false,
    intervalMs,
    timeoutMs,
    async look(signal) {
      if (underWay !== undefined) {
        return { status: "major_outage", reason: "the canary before this one has not ended" };
      }
      const flight = runCanary(runtime, template, language, signal);
      underWay = flight;
      const forget = () => (underWay = undefined);
      flight.then(forget, forget);
      return flight;
    },
  };
}

async function runCanary(
  runtime: RuntimeApi,
  template: string,
  language: Language,
  signal: AbortSignal,
): Promise<Observation> {
  const place = { traceId: newTraceId(), parentSpanId: "", traceFlags: 0, tracestate: "", baggage: "" };
  const context: CallContext = { ...place, orgId: CANARY_ORG, runId: "" };
  const [left, right] = [randomInt(FACTORS), randomInt(FACTORS)];
  const started = performance.now();
  let sandbox: SandboxHandle | undefined;
  try {
    sandbox = await runtime.create(
      { template, metadata: { ...CANARY_METADATA }, record: "metadata", timeoutMs: LIFETIME_MS },
      context,
      { isTrusted: true, isPooled: false },
    );
    const exec = await sandbox.exec({ code: CELLS[language](`${left} * ${right}`), language }, context);
    const printed = await printedBy(exec.lines({ isOwner: true, signal }));
    if (printed.trim() !== String(left * right)) {
      return { status: "major_outage", reason: "the canary's code did not print what it should" };
    }
    await sandbox.terminate("user", context, "canary");
    return { status: "operational", latencyMs: performance.now() - started };
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    // Full is not broken: whoever is inside goes on.
    const isFull = error.code === "SANDBOX_LIMIT_REACHED";
    return { status: isFull ? "degraded_performance" : "major_outage", reason: error.code };
  } finally {
    await sandbox?.terminate("user", context, "canary");
  }
}

async function printedBy(lines: AsyncIterable<string>): Promise<string> {
  let printed = "";
  for await (const block of lines) {
    for (const line of block.split("\n")) {
      if (line === "") continue;
      const event = JSON.parse(line) as StreamEvent;
      if (event.type === "stdout") printed += event.data;
    }
  }
  return printed;
}
