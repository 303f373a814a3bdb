type Stream = "stdout" | "stderr";

/** A line that an exec wrote. */
export interface OutputLine {
  readonly stream: Stream;
  /** Without its end. What is not UTF-8 is U+FFFD; all else, also NUL and escape sequences, is as it was written. */
  readonly text: string;
  /** When the host had read all of it, in microseconds since 1970; later than that of the exec's line before. */
  readonly timeMicros: number;
  /** How many bytes it had, where `text` is only its beginning. */
  readonly cutFromBytes?: number;
}

/** What was not told, for there was too much of it. */
export interface LeftOutLines {
  readonly lines: number;
  /** With the ends of the lines. */
  readonly bytes: number;
}

/** Whose lines they are. */
export interface OutputLinesHead {
  readonly sandboxId: string;
  readonly orgId: string;
  /** "" where none was given. */
  readonly runId: string;
  readonly template: string;
  /** As programs of the exec call themselves to OpenTelemetry. */
  readonly serviceName: string;
  readonly execId: string;
  readonly traceId: string;
  /** Of the exec. */
  readonly spanId: string;
  readonly traceFlags: number;
}

/** Some lines of one exec, in the order in which they were read. */
export interface OutputLines extends OutputLinesHead {
  readonly lines: readonly OutputLine[];
  /** Of the exec, since this was last said: at most once a second, and at its end. */
  readonly leftOut?: LeftOutLines & { readonly timeMicros: number };
}

/** Takes lines. Must be quick, and must not throw: whoever writes waits for it. */
export type TakeLines = (batch: OutputLines) => void;
