import { inspect } from "node:util";
import { SandglassError } from "@sandglass/protocol";
import { CollectorService } from "./collector-service.ts";
import { DaemonLine } from "./daemon-line.ts";
import type { CollectorCall, CollectorReport, CollectorValue, DaemonAnswer, WireError } from "./messages.ts";

process.title = "sandglass-collector";
// The daemon decides when it is over: a Ctrl-C reaches the whole group.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const line = new DaemonLine((report) => post(report));
/** Fires when the daemon is gone. */
const orphaned = new AbortController();
let service: CollectorService | undefined;

function post(report: CollectorReport): void {
  // Where the daemon is gone nobody is left to tell.
  if (process.connected) process.send?.(report, () => undefined);
}

/** What an orphan may take to stop in order. */
const ORPHAN_GRACE_MS = 5_000;

async function perform(call: CollectorCall, socket: object | undefined): Promise<CollectorValue | undefined> {
  if (call.kind === "start") {
    service = await CollectorService.open(call.settings, line, orphaned.signal);
    // It went while the log was waited for: the next daemon's collector waits for it now.
    if (orphaned.signal.aborted) await service.stop(0);
    return service.places;
  }
  if (service === undefined) throw new Error("the collector was not started");
  return service.perform(call, socket);
}

process.on("message", (message: CollectorCall | DaemonAnswer, socket: object | undefined) => {
  if (message.kind === "ping") return post({ kind: "pong" });
  if (message.kind === "keysChanged") return service?.forgetKeys();
  if (message.kind === "authorized" || message.kind === "recorded") return line.hear(message);
  const { call } = message;
  perform(message, socket).then(
    (value) => post({ kind: "result", call, ...(value && { value }) }),
    (error: unknown) => post({ kind: "result", call, error: toWire(error) }),
  );
});

// With the daemon its sandboxes are gone. What is in the log is delivered by the next.
process.on("disconnect", () => {
  line.close();
  orphaned.abort();
  service?.stop(0).catch((error: unknown) => {
    process.stderr.write(`sandglass-collector: ${inspect(error)}\n`);
    process.exitCode = 1;
  });
  // With a disk that fails it may not be able to stop; it must not stay, for it has the directory that the next one needs.
  setTimeout(() => process.kill(process.pid, "SIGKILL"), ORPHAN_GRACE_MS).unref();
});

function toWire(error: unknown): WireError {
  if (error instanceof SandglassError) return { message: error.message, code: error.code, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error) };
}
