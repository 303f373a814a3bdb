import { join } from "node:path";
import { inspect } from "node:util";
import { parentPort, workerData } from "node:worker_threads";
import type { FlushResult } from "@sandglass/protocol";
import { ExporterRegistry } from "../../exporters/registry.ts";
import { FedLog } from "../../log/fed-log.ts";
import { ManagedExporter, readerName } from "../managed-exporter.ts";
import { prepareExporter } from "../prepare-exporter.ts";
import { redactor } from "../redactor.ts";
import {
  type ExporterSnapshot,
  FEED_EVERY_MS,
  type WorkerCommand,
  type WorkerReport,
  type WorkerSettings,
} from "./messages.ts";

/** How often the other side hears how exporters are doing, while anything changes. */
const REPORT_EVERY_MS = 50;

const settings = workerData as WorkerSettings;
const registry = ExporterRegistry.builtIn();
const exporters = new Map<string, ManagedExporter>();
/** Of starts and stops that are under way, by exporter. */
const turns = new Map<string, Promise<unknown>>();
const flushes = new Map<number, AbortController>();
const log = new FedLog(
  settings.cursors.dir,
  settings.cursors.mustSync,
  (problem) => report({ kind: "problem", message: `the log: ${problem.kind}`, error: inspect(problem) }),
  0,
  FEED_EVERY_MS,
);
let lastReported = "";

function report(message: WorkerReport): void {
  parentPort?.postMessage(message);
}

function snapshotOf(id: string, exporter: ManagedExporter): ExporterSnapshot {
  const { committed, gapRecords } = log.readerAt(readerName(id));
  return { info: exporter.info(), lastPosition: log.lastPosition, committed, gapRecords };
}

function reportSnapshots(): void {
  const snapshots = [...exporters].map(([id, exporter]) => snapshotOf(id, exporter));
  const text = JSON.stringify(snapshots);
  if (text === lastReported) return;
  lastReported = text;
  report({ kind: "snapshots", snapshots });
}

async function start({ id, options, owner }: Extract<WorkerCommand, { kind: "start" }>): Promise<undefined> {
  const { env, cwd, ownOrigins, retry, deadLetterDir } = settings;
  const { isTrusted, origin, orgId } = owner;
  // The other side may ask twice where a thread ended while it was asked: never are there two of one.
  await exporters.get(id)?.stop(0);
  const prepared = prepareExporter(registry, options, { env, cwd, ownOrigins, isTrusted });
  const redact = redactor(prepared.secrets);
  const exporter = new ManagedExporter({
    id,
    provider: options.provider,
    origin,
    orgId,
    filter: options.filter,
    prepared,
    log,
    deadLetterPath: join(deadLetterDir, `${id}.jsonl`),
    retry,
    onStall: (reason, lagEvents) => report({ kind: "stalled", id, reason, lagEvents }),
    onRecover: (stalledMs) => report({ kind: "recovered", id, stalledMs }),
    onProblem: (message, error) =>
      report({ kind: "problem", message: redact(message), error: redact(inspect(error)) }),
  });
  // Before it is waited for: who stops it meanwhile has to find it.
  exporters.set(id, exporter);
  await exporter.start();
}

async function stop({ id, graceMs, closeMs }: Extract<WorkerCommand, { kind: "stop" }>): Promise<undefined> {
  const exporter = exporters.get(id);
  await exporter?.stop(graceMs, closeMs);
  reportSnapshots();
  // Not one that took its place meanwhile.
  if (exporters.get(id) === exporter) exporters.delete(id);
  log.detachReader(readerName(id));
}

async function flush({ id, call }: Extract<WorkerCommand, { kind: "flush" }>): Promise<FlushResult> {
  const controller = new AbortController();
  flushes.set(call, controller);
  try {
    await turns.get(id);
    const exporter = exporters.get(id);
    if (!exporter) throw new Error(`there is no exporter ${id} in the thread`);
    return await exporter.flush(controller.signal);
  } finally {
    flushes.delete(call);
  }
}

/** Starts and stops of one exporter follow each other in the order they were asked for. */
function inTurn(id: string, work: () => Promise<undefined>): Promise<undefined> {
  const done = (turns.get(id) ?? Promise.resolve()).then(work);
  const settled = done.catch(() => undefined);
  turns.set(id, settled);
  void settled.then(() => {
    if (turns.get(id) === settled) turns.delete(id);
  });
  return done;
}

async function answer(call: number, work: () => Promise<FlushResult | undefined>): Promise<void> {
  try {
    const value = await work();
    reportSnapshots();
    report({ kind: "result", call, ...(value && { value }) });
  } catch (error) {
    report({ kind: "result", call, error: error instanceof Error ? error.message : String(error) });
  }
}

parentPort?.on("message", (command: WorkerCommand) => {
  switch (command.kind) {
    case "log":
      return log.apply(command.update);
    case "start":
      return void answer(command.call, () => inTurn(command.id, () => start(command)));
    case "stop":
      return void answer(command.call, () => inTurn(command.id, () => stop(command)));
    case "flush":
      return void answer(command.call, () => flush(command));
    case "abort":
      return flushes.get(command.call)?.abort();
    case "retry":
      return exporters.get(command.id)?.retry();
  }
});

setInterval(reportSnapshots, REPORT_EVERY_MS);
