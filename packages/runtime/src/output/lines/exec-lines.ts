import { microTime } from "@sandglass/protocol";
import type { LineAllowance } from "./line-allowance.ts";
import { LineReader, type LineSink } from "./line-reader.ts";
import type { OutputLine, OutputLinesHead, TakeLines } from "./output-lines.ts";

/** How long a line waits for others. */
const LINGER_MS = 100;
const MAX_BATCH = 200;
/** A request of OTLP has to hold it, and 4 MiB is what gRPC servers take at most by default. */
const MAX_BATCH_BYTES = 1024 * 1024;
const LEFT_OUT_EVERY_MS = 1_000;

export interface ExecLinesParts {
  head: OutputLinesHead;
  /** Of the whole sandbox. */
  allowance: LineAllowance;
  take: TakeLines;
}

/** Reads lines out of what one exec writes, and tells them in batches. */
export class ExecLines {
  readonly #parts: ExecLinesParts;
  readonly #readers: Record<OutputLine["stream"], LineReader>;
  #lines: OutputLine[] = [];
  #bytes = 0;
  #leftOut = { lines: 0, bytes: 0 };
  #lastMicros = 0;
  #lineTimer: NodeJS.Timeout | undefined;
  #leftOutTimer: NodeJS.Timeout | undefined;

  constructor(parts: ExecLinesParts) {
    this.#parts = parts;
    this.#readers = {
      stdout: new LineReader(this.#sinkOf("stdout")),
      stderr: new LineReader(this.#sinkOf("stderr")),
    };
  }

  /** Keeps nothing of `bytes` but copies. */
  push(stream: OutputLine["stream"], bytes: Buffer): void {
    this.#parts.allowance.fill(performance.now());
    this.#readers[stream].push(bytes);
  }

  /** At the exec's end: a last line without an end, and all that was not told yet. */
  end(): void {
    this.#parts.allowance.fill(performance.now());
    this.#readers.stdout.finish();
    this.#readers.stderr.finish();
    this.#tell(this.#leftOut.lines + this.#leftOut.bytes > 0);
  }

  #sinkOf(stream: OutputLine["stream"]): LineSink {
    const { allowance } = this.#parts;
    return {
      hasRoom: () => allowance.hasRoom,
      line: (text, cutFromBytes) => {
        const bytes = Buffer.byteLength(text);
        allowance.spend(bytes);
        this.#bytes += bytes;
        const cut = cutFromBytes === undefined ? {} : { cutFromBytes };
        this.#lines.push({ stream, text, timeMicros: this.#nextMicros(), ...cut });
        if (this.#lines.length >= MAX_BATCH || this.#bytes >= MAX_BATCH_BYTES) this.#tell(false);
        else this.#lineTimer ??= setTimeout(() => this.#tell(false), LINGER_MS).unref();
      },
      leftOut: (lines, bytes) => {
        this.#leftOut.lines += lines;
        this.#leftOut.bytes += bytes;
        this.#leftOutTimer ??= setTimeout(() => this.#tell(true), LEFT_OUT_EVERY_MS).unref();
      },
    };
  }

  #tell(withLeftOut: boolean): void {
    clearTimeout(this.#lineTimer);
    this.#lineTimer = undefined;
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    const { head, take } = this.#parts;
    if (!withLeftOut) {
      if (lines.length > 0) take({ ...head, lines });
      return;
    }
    clearTimeout(this.#leftOutTimer);
    this.#leftOutTimer = undefined;
    const leftOut = { ...this.#leftOut, timeMicros: this.#nextMicros() };
    this.#leftOut = { lines: 0, bytes: 0 };
    take({ ...head, lines, leftOut });
  }

  /** Stores sort by time: of lines that came at once, each is a microsecond behind the one before. */
  #nextMicros(): number {
    this.#lastMicros = Math.max(microTime(), this.#lastMicros + 1);
    return this.#lastMicros;
  }
}
