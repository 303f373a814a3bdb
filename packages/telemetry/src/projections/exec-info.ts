import type { ExecInfo, ExecSubject, Language, RuntimeEventOf } from "@sandglass/protocol";
import { timeBefore } from "./micro-time.ts";

/** An exec as its beginning tells. */
export function startedExec(event: RuntimeEventOf<"exec.started">): ExecInfo {
  return {
    id: event.data.execId,
    sandboxId: event.sandboxId,
    state: "running",
    ...subjectOf(event.data),
    traceId: event.traceId,
    spanId: event.spanId,
    startedAt: event.timestamp,
    stdoutBytes: 0,
    stderrBytes: 0,
  };
}

/** An exec as its ending tells; `started` where its beginning is still kept. */
export function completedExec(event: RuntimeEventOf<"exec.completed">, started?: ExecInfo): ExecInfo {
  const { exitCode, signal, cause, reason, durationMs, cpuMs, maxRssBytes, stdoutBytes, stderrBytes } =
    event.data;
  return {
    id: event.data.execId,
    sandboxId: event.sandboxId,
    state: "completed",
    ...subjectOf(event.data),
    traceId: event.traceId,
    spanId: event.spanId,
    startedAt: started?.startedAt ?? timeBefore(event.timestamp, durationMs),
    endedAt: event.timestamp,
    exitCode,
    ...(signal !== undefined && { signal }),
    cause,
    ...(reason !== undefined && { reason }),
    durationMs,
    cpuMs,
    maxRssBytes,
    stdoutBytes,
    stderrBytes,
  };
}

function subjectOf(
  data: ExecSubject,
): Pick<ExecInfo, "kind" | "language" | "contextId" | "code" | "command"> {
  const { kind, language, contextId, code, command } = data;
  return {
    kind,
    // Written by a runtime that knows no other languages.
    ...(language !== undefined && { language: language as Language }),
    ...(contextId !== undefined && { contextId }),
    ...(code !== undefined && { code }),
    ...(command !== undefined && { command }),
  };
}
