import type { CallContext, Emit, EventDataMap, EventInput, EventType, Level } from "@sandglass/protocol";
import { newSpanId, SandglassError } from "@sandglass/protocol";
import { roundMs } from "./duration.ts";
import type { SaySample } from "./samples/sandbox-samples.ts";
import type { SandboxParts } from "./sandbox-parts.ts";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
/** What has happened and cannot be taken back. */
const ENDINGS: ReadonlySet<EventType> = new Set(["exec.completed", "sandbox.terminated", "cost.runtime"]);

type NewSandbox = Pick<
  SandboxParts,
  "machine" | "context" | "source" | "limits" | "request" | "createMs" | "network" | "lineage"
>;

/** Says a sandbox's events: fills in whose they are, and sees that its endings reach the log. */
export class SandboxRecord {
  readonly #emit: Emit;
  readonly #sandboxId: string;
  readonly #runId: string;

  constructor(emit: Emit, sandboxId: string, runId: string) {
    this.#emit = emit;
    this.#sandboxId = sandboxId;
    this.#runId = runId;
  }

  /** Rejects with LOG_UNAVAILABLE where it cannot be recorded: then what it tells of must not happen. */
  say<T extends EventType>(
    context: CallContext,
    type: T,
    level: Level,
    data: EventDataMap[T],
    spanId: string = newSpanId(),
  ): Promise<void> {
    return this.emit(this.#event(context, type, level, data, spanId));
  }

  /** The first events of a sandbox, in the order in which they came about; all on the span of its creation. */
  async created(sandbox: NewSandbox, spanId: string): Promise<void> {
    const { machine, context, source, limits, request, createMs, network, lineage } = sandbox;
    const parentId = lineage[0]?.id;
    const template = machine.template.name;
    const { vcpu, memoryMb, diskMb } = limits;
    const metadata = request.metadata === undefined ? {} : { metadata: request.metadata };
    const created = {
      template,
      source,
      vcpu,
      memoryMb,
      diskMb,
      isolation: machine.isolation,
      network: network === undefined ? {} : { egress: network.options },
      durationMs: createMs,
      ...metadata,
      ...(parentId !== undefined && { parentId }),
    };
    const booted = { template, bootMs: roundMs(machine.bootMs), connectMs: roundMs(machine.connectMs) };
    const connectMs = source === "pool" ? 0 : booted.connectMs;
    const all = [
      this.say(context, "sandbox.created", "info", created, spanId),
      this.say(context, "sandbox.booted", "info", booted, spanId),
    ];
    if (source === "pool") {
      all.push(this.say(context, "sandbox.claimed", "info", { template, source, claimMs: createMs }, spanId));
    }
    all.push(this.say(context, "sandbox.started", "info", { template, connectMs }, spanId));
    await Promise.all(all);
  }

  /** The last of a sandbox; on one span with what was wrong with it, where something was. */
  async terminated(context: CallContext, ending: EventDataMap["sandbox.terminated"]): Promise<void> {
    const { cause, reason: message = "the sandbox went away" } = ending;
    const spanId = newSpanId();
    if (cause === "driver_error") {
      const error = { code: "DRIVER_ERROR", message };
      // Beside the ending, which says the same and is waited for.
      await this.say(context, "sandbox.error", "error", error, spanId).catch(() => {});
    }
    const isWanted = cause === "user" || cause === "merged";
    await this.say(context, "sandbox.terminated", isWanted ? "info" : "warn", ending, spanId);
  }

  /** Says what a sandbox uses and costs, on the span of its creation. */
  samples(context: CallContext, spanId: string): SaySample {
    return (type, data) => this.say(context, type, "debug", data, spanId);
  }

  /** For what has happened and cannot be taken back: waits until the log has room. */
  readonly emit: Emit = async (event) => {
    if (!ENDINGS.has(event.type)) return this.#emit(event);
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        return await this.#emit(event);
      } catch (error) {
        if (!(error instanceof SandglassError) || error.code !== "LOG_UNAVAILABLE") throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  };

  #event<T extends EventType>(
    context: CallContext,
    type: T,
    level: Level,
    data: EventDataMap[T],
    spanId: string,
  ): EventInput {
    const { orgId, traceId, parentSpanId } = context;
    const runId = context.runId || this.#runId;
    return {
      type,
      level,
      orgId,
      sandboxId: this.#sandboxId,
      runId,
      traceId,
      spanId,
      parentSpanId,
      data,
    } as EventInput;
  }
}
