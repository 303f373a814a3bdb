import {
  type EventDataMap,
  type EventInput,
  type EventType,
  newExecId,
  newSandboxId,
  newSpanId,
  newTraceId,
} from "@sandglass/protocol";

/** Where the events of one test sandbox belong. */
export interface Place {
  orgId: string;
  sandboxId: string;
  runId: string;
  traceId: string;
  /** Of the request that causes everything. */
  parentSpanId: string;
}

export function newPlace(place: Partial<Place> = {}): Place {
  return {
    orgId: "default",
    sandboxId: newSandboxId(),
    runId: "",
    traceId: newTraceId(),
    parentSpanId: newSpanId(),
    ...place,
  };
}

export function inputOf<T extends EventType>(
  place: Place,
  type: T,
  data: EventDataMap[T],
  more: { spanId?: string; timestamp?: string; level?: EventInput["level"]; parentSpanId?: string } = {},
): EventInput {
  const { orgId, sandboxId, runId, traceId, parentSpanId } = place;
  const envelope = { orgId, sandboxId, runId, traceId, parentSpanId, level: "info", spanId: newSpanId() };
  // The union cannot follow that type and data belong together.
  return { ...envelope, ...more, type, data } as EventInput;
}

export function created(place: Place, spanId = newSpanId()): EventInput {
  const size = { vcpu: 1, memoryMb: 256, diskMb: 512 };
  const data = {
    template: "python",
    source: "pool",
    isolation: "bubblewrap",
    durationMs: 2,
    ...size,
  } as const;
  return inputOf(place, "sandbox.created", data, { spanId });
}

export function terminated(place: Place): EventInput {
  const data = { cause: "user", lifetimeMs: 10, durationMs: 1, execs: 1, cpuMs: 3 } as const;
  return inputOf(place, "sandbox.terminated", data);
}

/** The two events of one exec, which share a span. */
export function execOf(
  place: Place,
  code = "print(1)",
): { execId: string; started: EventInput; completed: EventInput } {
  const execId = newExecId();
  const spanId = newSpanId();
  const subject = { execId, kind: "code", language: "python", contextId: "default", code } as const;
  const outcome = {
    exitCode: 0,
    cause: "exited",
    durationMs: 5,
    cpuMs: 4,
    maxRssBytes: 9,
    stdoutBytes: 2,
    stderrBytes: 0,
  } as const;
  return {
    execId,
    started: inputOf(place, "exec.started", { ...subject, cwd: "/workspace", timeoutMs: 1000 }, { spanId }),
    completed: inputOf(place, "exec.completed", { ...subject, ...outcome }, { spanId }),
  };
}
