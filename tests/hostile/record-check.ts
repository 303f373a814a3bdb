import assert from "node:assert/strict";
import { CAUSES, type Cause, type RuntimeEvent } from "@sandglass/protocol";
import { callHttp, jsonLines, type TestDaemon } from "@sandglass/testkit";

/** How an exec ended, by what its caller was told. */
export interface ToldEnd {
  execId: string;
  cause: Cause;
  exitCode: number;
  signal?: string;
  stdoutBytes: number;
  stderrBytes: number;
}

/**
 * That what is kept of an ended sandbox is whole: no hole in `seq`, one ending for each exec and one for the sandbox, the last of all
 * but what came of its telemetry, with a cause of the list; and that it says of each exec what its caller was told.
 *
 * @param told of the execs whose callers heard the end; the record may have others
 * @returns its events, for what else there is to say of them
 */
export async function assertWhole(
  daemon: TestDaemon,
  sandboxId: string,
  endsAs: Cause | readonly Cause[],
  told: readonly ToldEnd[],
): Promise<RuntimeEvent[]> {
  const { status, text } = await callHttp(daemon, `GET /v1/events?sandboxId=${sandboxId}`);
  assert.equal(status, 200);
  const events = jsonLines(text) as RuntimeEvent[];
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
    "seq has gaps",
  );
  for (const event of events) assert.equal(event.sandboxId, sandboxId);
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length, "an event is there twice");

  const execIds = (type: RuntimeEvent["type"]): string[] =>
    events.flatMap((event) =>
      event.type === type && "execId" in event.data ? [String(event.data.execId)] : [],
    );
  const started = execIds("exec.started");
  assert.equal(new Set(started).size, started.length);
  assert.deepEqual(execIds("exec.completed").toSorted(), started.toSorted(), "one ending for each exec");
  for (const execId of started) {
    const about = events.filter((event) => "execId" in event.data && event.data.execId === execId);
    assert.equal(about[0]?.type, "exec.started");
    assert.equal(about.at(-1)?.type, "exec.completed");
  }
  for (const { type, data } of events)
    if (type === "exec.completed") assert.ok((CAUSES as readonly string[]).includes(data.cause), data.cause);
  for (const end of told) assert.deepEqual(recordedEnd(events, end.execId), end, "the record says otherwise");
  const ends = events.flatMap((event) => (event.type === "sandbox.terminated" ? [event] : []));
  const expected = [endsAs].flat();
  assert.equal(ends.length, 1, "one ending");
  for (const { data } of ends)
    assert.ok(expected.includes(data.cause), `${data.cause}, not ${expected.join()}`);
  assert.equal(events.at(-1)?.type, "sandbox.terminated");
  return events;
}

/** What the record has of an exec's end; undefined where it has none. */
function recordedEnd(events: readonly RuntimeEvent[], execId: string): ToldEnd | undefined {
  for (const { type, data } of events) {
    if (type !== "exec.completed" || data.execId !== execId) continue;
    const { cause, exitCode, signal, stdoutBytes, stderrBytes } = data;
    return { execId, cause, exitCode, ...(signal !== undefined && { signal }), stdoutBytes, stderrBytes };
  }
  return undefined;
}
