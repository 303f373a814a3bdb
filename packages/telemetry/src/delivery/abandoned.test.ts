import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../log/testing/test-log.ts";
import { DeadLetterFile } from "./dead-letters.ts";
import type { Exporter, ExportResult } from "./exporter.ts";
import { Health } from "./health.ts";
import { LogEvent } from "./log-event.ts";
import { DEFAULT_RETRY, RetrySchedule } from "./retry-schedule.ts";
import { Sender } from "./sender.ts";
import { batchOf } from "./window.ts";

/** What it does when it is called, one after another. */
function senderOf(dir: string, answers: (() => Promise<ExportResult>)[]): Sender {
  const exporter: Exporter = {
    export: () => answers.shift()?.() ?? Promise.resolve({ status: "ok" }),
    shutdown: async () => undefined,
  };
  return new Sender({
    exporter,
    timeoutMs: 20,
    schedule: new RetrySchedule({ ...DEFAULT_RETRY, initialMs: 1, maxMs: 2 }),
    health: new Health(
      60_000,
      () => undefined,
      () => undefined,
    ),
    deadLetters: new DeadLetterFile(join(dir, "letters.jsonl"), "scripted"),
    redact: (text) => text,
    onFailure: () => undefined,
  });
}

const batch = batchOf([1, 2].map((position) => new LogEvent(position, Buffer.from("{}"))));
const never = () => new Promise<ExportResult>(() => undefined);

test("an outcome says whether an attempt before it was given up, also where the batch was split since", async (t) => {
  const dir = temporaryDirectory(t);
  const send = (...answers: (() => Promise<ExportResult>)[]) =>
    senderOf(dir, answers).send(batch, new AbortController().signal);
  const refused = async (): Promise<ExportResult> => ({ status: "fail", reason: "400" });
  const busy = async (): Promise<ExportResult> => ({ status: "retry", reason: "503" });
  assert.equal((await send(busy)).isAbandoned ?? false, false);
  assert.equal((await send(refused)).isAbandoned ?? false, false);
  assert.equal((await send(never)).isAbandoned, true);
  assert.equal((await send(never, refused)).isAbandoned, true);
  assert.equal((await send(refused, never)).isAbandoned, true);
});
