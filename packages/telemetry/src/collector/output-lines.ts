/** A line that an exec wrote; see `OutputLine` of the runtime. */
export interface OutputLine {
  readonly stream: "stdout" | "stderr";
  /** Without its end. */
  readonly text: string;
  /** Microseconds since 1970. */
  readonly timeMicros: number;
  /** How many bytes it had, where `text` is only its beginning. */
  readonly cutFromBytes?: number;
}

/** Lines that one exec wrote, and how many of its lines are not told; see `OutputLines` of the runtime. */
export interface OutputLines {
  readonly sandboxId: string;
  readonly orgId: string;
  readonly runId: string;
  readonly template: string;
  readonly serviceName: string;
  readonly execId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly lines: readonly OutputLine[];
  readonly leftOut?: { readonly lines: number; readonly bytes: number; readonly timeMicros: number };
}
