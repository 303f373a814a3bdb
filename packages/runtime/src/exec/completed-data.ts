import type { ExecCompletedData, ExecException, ExecSubject, RecordMode } from "@sandglass/protocol";
import { roundMs } from "../duration.ts";
import type { ExecOutput } from "../output/exec-output.ts";
import type { Ending } from "./ending.ts";

/** What an exec runs, as far as it may be recorded. */
export function recordedSubject(subject: ExecSubject, record: RecordMode): ExecSubject {
  if (record === "full") return subject;
  const { code: _code, command: _command, ...rest } = subject;
  return rest;
}

/** What `exec.completed` says. @param shared what the stream's last line says as well */
export function completedData(
  subject: ExecSubject,
  record: RecordMode,
  shared: Pick<ExecCompletedData, "cause" | "durationMs" | "signal" | "reason">,
  ending: Ending,
  output: ExecOutput,
): ExecCompletedData {
  const isFull = record === "full";
  const { stdout, stderr } = output.bytes;
  const { contextLost, exception } = ending;
  return {
    ...recordedSubject(subject, record),
    exitCode: ending.code,
    ...shared,
    cpuMs: roundMs(ending.cpuMs),
    maxRssBytes: ending.maxRssBytes,
    stdoutBytes: stdout,
    stderrBytes: stderr,
    ...(contextLost === true ? { contextLost } : {}),
    ...(exception === undefined ? {} : { exception: isFull ? exception : withoutContent(exception) }),
    ...(isFull && stdout > 0 ? { stdoutTail: output.tail("stdout") } : {}),
    ...(isFull && stderr > 0 ? { stderrTail: output.tail("stderr") } : {}),
  };
}

function withoutContent({ type }: ExecException): ExecException {
  return { type };
}
