import { parentPort, workerData } from "node:worker_threads";
import type { LogEntry } from "@sandglass/protocol";
import { type LogItem, readTelemetryRecord } from "@sandglass/telemetry/reading";
import { logKey } from "../log-key.ts";
import { plainLogs } from "../plain-logs.ts";
import { toLogEntry } from "../queries/log-row.ts";
import { SourceLog } from "../source-log.ts";
import { ORIGIN } from "../span-table.ts";
import type { TailCommand, TailEntry, TailReport, TailSettings } from "./messages.ts";
import { TailFollower } from "./tail-follower.ts";

/** What came within it is looked at together. */
const LINGER_MS = 20;

const { telemetryDir } = workerData as TailSettings;
const followers = new Map<number, TailFollower>();
const source = new SourceLog(telemetryDir, () => {}); // the store, which reads the same log, says it

parentPort?.on("message", (command: TailCommand) => {
  switch (command.kind) {
    case "log":
      return source.apply(command.update);
    case "follow":
      followers.set(command.follower, new TailFollower(command.follower, command.filter, report));
      return;
    case "taken":
      return followers.get(command.follower)?.taken();
    case "leave":
      followers.delete(command.follower);
  }
});

function report(message: TailReport): void {
  parentPort?.postMessage(message);
}

/** From now on, until the thread is ended. */
async function main(): Promise<void> {
  await source.fed;
  const { signal } = new AbortController();
  for await (const items of source.batches(source.lastPosition + 1, LINGER_MS, signal)) {
    for (const item of items) offer(item);
    for (const follower of followers.values()) follower.flush();
  }
}

function offer(item: LogItem): void {
  if ("gap" in item) return;
  const record = readTelemetryRecord(item.payload);
  if (record === undefined || record.signal !== "logs" || record.isForwardOnly) return;
  const interested = [...followers.values()].filter(({ filter }) => filter.wantsRequest(record));
  if (interested.length === 0) return;
  for (const entry of entriesOf(record, item.position)) {
    for (const follower of interested) follower.offer(entry);
  }
}

function entriesOf(
  record: NonNullable<ReturnType<typeof readTelemetryRecord>>,
  position: number,
): TailEntry[] {
  const { sandboxId, runId } = record;
  try {
    return plainLogs(record)
      .map((log): TailEntry => {
        const key = logKey(position, log.index) ?? 0;
        const row = { ...log, key, name: log.name ?? null, attributes: JSON.stringify(log.attributes) };
        const about = { origin: ORIGIN[record.origin], sandbox_id: sandboxId, run_id: runId };
        const entry: LogEntry = toLogEntry({ ...row, ...about });
        return { entry, line: `${JSON.stringify(entry)}\n` };
      })
      .toArray();
  } catch {
    // No such request after all: the store counts what cannot be understood.
    return [];
  }
}

await main();
