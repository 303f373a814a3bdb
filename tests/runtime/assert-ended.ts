import assert from "node:assert/strict";
import type { ExitEvent } from "@sandglass/protocol";
import type { EventRecord, Ran } from "@sandglass/testkit";

const told = ({ code, signal, cause, reason, contextLost }: Partial<ExitEvent>): object => ({
  code,
  signal,
  cause,
  reason,
  contextLost,
});

/**
 * That an exec ended exactly once, with the same word, code, signal and reason in its last line, its description and its event.
 *
 * @param expected what its last line must say; `reason` is a pattern
 */
export function assertEnded(events: EventRecord, ran: Ran, expected: Partial<ExitEvent>): void {
  const completed = events.ofExec(ran.exec.id).filter((event) => event.type === "exec.completed");
  assert.equal(completed.length, 1);
  assert.equal(ran.lines.filter((line) => line.type === "exit").length, 1);
  const [{ data }] = completed as [(typeof completed)[0]];
  assert.deepEqual(told({ ...data, code: data.exitCode } as Partial<ExitEvent>), told(ran.exit));
  const { exitCode, signal, cause, reason } = ran.info;
  assert.deepEqual(
    [exitCode, signal, cause, reason],
    [ran.exit.code, ran.exit.signal, ran.exit.cause, ran.exit.reason],
  );
  const { reason: pattern, ...exact } = expected;
  const found = Object.fromEntries(Object.keys(exact).map((key) => [key, ran.exit[key as keyof ExitEvent]]));
  assert.deepEqual(found, exact, ran.stderr);
  if (pattern !== undefined) assert.match(ran.exit.reason ?? "", new RegExp(pattern));
}
