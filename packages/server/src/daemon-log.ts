import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { type Level, microTimestamp, type RuntimeEvent } from "@sandglass/protocol";
import {
  formatLogJson,
  formatLogText,
  type LogLine,
  logTargetOf,
  parseLogDirectives,
  toLogLine,
} from "@sandglass/telemetry";
import type { SandglassConfig } from "./config.ts";
import type { DaemonObserver } from "./daemon.ts";
import { RecentRequests } from "./http/recent-requests.ts";
import type { RequestRecord } from "./http/request-record.ts";
import { LogLines } from "./log-lines.ts";

/** The daemon's log on stdout: events, projected, and the few lines that are about no event. */
export class DaemonLog implements DaemonObserver {
  readonly #lines: LogLines;
  readonly #format: (line: LogLine) => string;
  readonly #isPrinted: (target: string, level: Level) => boolean;
  readonly #requests = new RecentRequests();
  /** Of this run of the daemon, from its first event on. */
  #traceId = "";

  constructor(out: Writable, { logFormat, log }: Pick<SandglassConfig, "logFormat" | "log">) {
    this.#format = logFormat === "json" ? formatLogJson : formatLogText;
    this.#isPrinted = parseLogDirectives(log);
    this.#lines = new LogLines(out, (count) =>
      this.#format(this.#line("WARN", "log lines dropped", { lines: count, reason: "stdout was not read" })),
    );
  }

  /** Lines that a full stdout has cost. */
  get droppedLines(): number {
    return this.#lines.dropped;
  }

  request(record: RequestRecord): void {
    this.#requests.remember(record);
  }

  event(event: RuntimeEvent): void {
    if (event.type === "host.started") this.#traceId = event.traceId;
    if (!this.#isPrinted(logTargetOf(event.type), event.level)) return;
    // Known now, and maybe not in a moment.
    const request = this.#requests.find(event.parentSpanId);
    const context =
      request === undefined
        ? undefined
        : { method: request.method, path: request.path, parentSpanId: request.trace.parentSpanId };
    this.#lines.write(() => this.#format(toLogLine(event, context)));
  }

  complain(message: string, error: unknown): void {
    // With the stack: this is for whoever mends us. It is one line all the same.
    this.#write("ERROR", message, { error: inspect(error) });
  }

  /**
   * Printed whatever the directives: it is what a person, and a program, waits for.
   *
   * @param otlp where OTLP is taken on ports of its own, which may have been chosen by the system
   * @param agentSandbox where the agent-sandbox API is served
   */
  ready(baseUrl: string, otlp?: { http: string; grpc: string }, agentSandbox?: string): void {
    const ports = {
      ...(otlp !== undefined && { otlp_http: otlp.http, otlp_grpc: otlp.grpc }),
      ...(agentSandbox !== undefined && { agent_sandbox: agentSandbox }),
    };
    this.say("INFO", "ready", { url: baseUrl, ...ports });
  }

  /** Something about the daemon itself, printed whatever the directives. */
  say(level: LogLine["level"], message: string, fields: LogLine["fields"]): void {
    this.#write(level, message, fields);
  }

  drain(deadlineMs: number): Promise<void> {
    return this.#lines.drain(deadlineMs);
  }

  #write(level: LogLine["level"], message: string, fields: LogLine["fields"]): void {
    const line = this.#line(level, message, fields);
    this.#lines.write(() => this.#format(line));
  }

  /** A line about no event. */
  #line(level: LogLine["level"], message: string, fields: LogLine["fields"]): LogLine {
    const span = { name: "host", trace_id: this.#traceId, parent_span_id: "" };
    return { timestamp: microTimestamp(), level, target: "host", message, span, fields };
  }
}
