import {
  type EventDataMap,
  type EventInput,
  type EventType,
  type Level,
  newExecId,
  newRunId,
  newSandboxId,
  newSpanId,
  newTraceId,
} from "@sandglass/protocol";

/** Where the events of one sandbox belong. */
export interface ContractPlace {
  sandboxId: string;
  runId: string;
  traceId: string;
}

export function newContractPlace(): ContractPlace {
  return { sandboxId: newSandboxId(), runId: newRunId(), traceId: newTraceId() };
}

export function contractEvent<T extends EventType>(
  place: ContractPlace,
  type: T,
  data: EventDataMap[T],
  level: Level = "info",
  spanId = newSpanId(),
): EventInput {
  // The union cannot follow that type and data belong together.
  return { ...place, orgId: "default", level, spanId, parentSpanId: "", type, data } as EventInput;
}

/** A short life of a sandbox: seven events of seven types and all levels, that belong together as real ones do. */
export function sandboxLife(place: ContractPlace): EventInput[] {
  const [execId, execSpan, callSpan] = [newExecId(), newSpanId(), newSpanId()];
  const exec = { execId, kind: "code", language: "python", contextId: "default", code: "1/0" } as const;
  const call = { toolName: "run_code", toolCallId: `call_${execId}` };
  const created = { template: "python", source: "pool", vcpu: 1, memoryMb: 256, diskMb: 512 } as const;
  return [
    contractEvent(place, "sandbox.created", { ...created, isolation: "bubblewrap", durationMs: 1.5 }),
    contractEvent(place, "agent.tool_call", { ...call, arguments: '{"code":"1/0"}' }, "info", callSpan),
    contractEvent(place, "exec.started", exec, "info", execSpan),
    contractEvent(
      place,
      "exec.streamed",
      { execId, stream: "stderr", offset: 0, bytes: 30, chunks: 1 },
      "debug",
    ),
    contractEvent(
      place,
      "exec.completed",
      {
        ...exec,
        ...{ exitCode: 1, cause: "exited", durationMs: 12.5, cpuMs: 9, maxRssBytes: 8_000_000 },
        ...{ stdoutBytes: 0, stderrBytes: 30, stderrTail: "ZeroDivisionError: division by zero\n" },
      },
      "warn",
      execSpan,
    ),
    contractEvent(
      place,
      "agent.tool_result",
      { ...call, durationMs: 14, isError: true, result: "it failed" },
      "error",
      callSpan,
    ),
    contractEvent(place, "cost.llm", { model: "m-1", inputTokens: 10, outputTokens: 20, costUsd: 0.000125 }),
  ];
}

/** Lives of several sandboxes, mixed: an event of each in turn. */
export function mixedLives(places: readonly ContractPlace[], rounds: number): EventInput[] {
  const lives = places.map((place) => Array.from({ length: rounds }, () => sandboxLife(place)).flat());
  return (lives[0] ?? []).flatMap((_, at) => lives.flatMap((life) => life[at] ?? []));
}

/** An event that holds a text, for destinations that refuse it. */
export function eventThatHolds(place: ContractPlace, marker: string): EventInput {
  return contractEvent(place, "agent.tool_call", {
    toolName: "run_code",
    toolCallId: "call_marked",
    arguments: `before ${marker} after`,
  });
}

/** What has broken such systems before. */
export function hostileTexts(maxEventBytes: number): string[] {
  return [
    "",
    "\u0000 in front, in the mid\u0000dle and at the end \u0000",
    "a lone high surrogate \ud800, a lone low one \udfff",
    "👩‍👩‍👧‍👦 𐍈 ﷽ \u202e right to left \u2028 line \u2029 paragraph \ufeff mark \uffff none",
    "\u001b[2J\u001b[31m\r\n\t\b\f\u007f\u0085\\ \\u0000 \" ' ` $& %s {} </script> '); DROP TABLE x; --",
    '{"id":"evt_forged","seq":1}\n{"id":"evt_forged_too"}\n\n',
    `${"é".repeat(1000)}${"\ud83d".repeat(3)}`,
    // The envelope and a margin for what the destination's own form adds.
    "x".repeat(Math.min(1024 * 1024, maxEventBytes - 16 * 1024)),
  ];
}

/** One event of each hostile text, in a value, and where keys are free in a key too. */
export function hostileEvents(place: ContractPlace, maxEventBytes: number): EventInput[] {
  const results = hostileTexts(maxEventBytes).map((result) =>
    contractEvent(place, "agent.tool_result", {
      ...{ toolName: "run_code", toolCallId: "call_hostile", durationMs: 1, isError: false, result },
    }),
  );
  const metadata = JSON.parse(
    '{"__proto__":"a","constructor":"b","":"c","a.b":"d","ключ":"e","\\u0000":"f"}',
  );
  const numbers = [0, -0, 5e-324, 1.7976931348623157e308, Number.MAX_SAFE_INTEGER, 0.1 + 0.2];
  return [
    ...results,
    contractEvent(place, "run.started", { name: "агент\n", agent: "", metadata }),
    ...numbers.map((durationMs) =>
      contractEvent(place, "file.read", { path: "/a b\n", sizeBytes: 0, durationMs }),
    ),
  ];
}
