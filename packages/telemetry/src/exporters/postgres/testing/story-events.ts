import type { Cause, EventDataMap, EventType, RuntimeEvent } from "@sandglass/protocol";
import { testEvent } from "../../http/testing/event-batch.ts";

const HOUR_MS = 3_600_000;
const RUNS = ["run_quarterly-report", "run_scrape-prices", "run_fix-flaky-test"];
/** One cause each, over and over. */
const EXEC_CAUSES: readonly Cause[] = [
  ...Array<Cause>(9).fill("exited"),
  "timed_out",
  ...Array<Cause>(6).fill("exited"),
  "oom_killed",
  "exited",
  "exited",
];
const ENDINGS: readonly (readonly [cause: Cause, reason?: string])[] = [
  ["user"],
  ["user"],
  ["idle_timeout"],
  ["user"],
  ["oom_killed", "memory limit 512 MiB"],
  ["user"],
  ["lifetime_exceeded", "lifetime 3600000 ms"],
];
const EXIT_CODES: Partial<Record<Cause, number>> = { timed_out: 137, oom_killed: 137 };

/** What a dozen sandboxes of three runs did in the last hours: the same in every run, but for ids and the time of day. */
export function storyEvents(now: number): RuntimeEvent[] {
  return Array.from({ length: 12 }, (_, index) => sandboxStory(index, now - 3 * HOUR_MS)).flat();
}

function sandboxStory(index: number, startMs: number): RuntimeEvent[] {
  const sandboxId = `sbx_01m81fmvaxzshpc686q862k${String(index).padStart(3, "0")}`;
  const runId = RUNS[index % RUNS.length]!;
  const events: RuntimeEvent[] = [];
  const add = <T extends EventType>(type: T, data: EventDataMap[T]): void => {
    const seq = events.length + 1;
    const timestamp = new Date(startMs + index * 60_000 + seq * 1000).toISOString();
    events.push(testEvent(seq, { type, data, sandboxId, runId, timestamp } as Partial<RuntimeEvent>));
  };
  const template = index % 4 === 0 ? "analyst" : "python";
  const size = { vcpu: 1, memoryMb: 512, diskMb: 1024 };
  add("sandbox.created", { template, source: "pool", isolation: "bubblewrap", durationMs: 1.4, ...size });
  for (let exec = 0; exec < 15; exec++) addExec(add, index * 15 + exec, template);
  for (let call = 0; call < 3; call++) {
    const tokens = { inputTokens: 1200 + index * 100, outputTokens: 300 + call * 50 };
    add("cost.llm", { model: "a-model", ...tokens, costUsd: 0.011 + index * 0.0015 });
  }
  if (index % 5 === 1) add("network.denied", { host: "pypi.org", port: 443, reason: "no egress" });
  if (index % 6 === 1) add("network.denied", { host: "169.254.169.254", port: 80, reason: "no egress" });
  add("cost.runtime", { cpuMs: 4000, memoryMbMs: 92_160_000, costUsd: 0.0021 });
  const [cause, reason] = ENDINGS[index % ENDINGS.length]!;
  const lifetimeMs = cause === "lifetime_exceeded" ? 3_600_000 : 180_000 + index * 1000;
  add("sandbox.terminated", {
    cause,
    ...(reason && { reason }),
    lifetimeMs,
    durationMs: 4,
    execs: 15,
    cpuMs: 4000,
  });
  return events;
}

function addExec(
  add: (type: "exec.completed", data: EventDataMap["exec.completed"]) => void,
  n: number,
  template: string,
): void {
  const cause = EXEC_CAUSES[n % EXEC_CAUSES.length]!;
  const subject =
    n % 5 === 0
      ? ({ kind: "command", command: "ls -la" } as const)
      : ({ kind: "code", language: n % 5 === 1 ? "javascript" : "python", code: "…" } as const);
  const slow = template === "analyst" ? 4 : 1;
  const durationMs =
    cause === "timed_out" ? 30_000 : slow * (12 + ((n * 37) % 90) + (n % 17 === 0 ? 800 : 0));
  const exitCode = EXIT_CODES[cause] ?? (n % 11 === 3 ? 1 : 0);
  const usage = { cpuMs: durationMs / 2, maxRssBytes: 48_000_000, stdoutBytes: 120, stderrBytes: 0 };
  add("exec.completed", { execId: `exec_${n}`, ...subject, exitCode, cause, durationMs, ...usage });
}
