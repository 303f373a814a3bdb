import type { EventDataMap } from "@sandglass/protocol";

const EVERY_MS = 1000;

type Stream = "stdout" | "stderr";
type Streamed = EventDataMap["exec.streamed"];

/**
 * Counts what an exec writes for `exec.streamed`: at most one event a second for each stream. An exec that ended before the
 * first was due has its counts in `exec.completed` alone.
 */
export class StreamedCounts {
  readonly #execId: string;
  readonly #say: (data: Streamed) => void;
  readonly #counts: Record<Stream, { offset: number; bytes: number; chunks: number }> = {
    stdout: { offset: 0, bytes: 0, chunks: 0 },
    stderr: { offset: 0, bytes: 0, chunks: 0 },
  };
  #saidAt = performance.now();
  #hasSaid = false;

  constructor(execId: string, say: (data: Streamed) => void) {
    this.#execId = execId;
    this.#say = say;
  }

  add(stream: Stream, bytes: number): void {
    const counts = this.#counts[stream];
    counts.bytes += bytes;
    counts.chunks++;
    if (performance.now() - this.#saidAt >= EVERY_MS) this.#sayAll();
  }

  /** At the exec's end: the rest, where there was a beginning. */
  end(): void {
    if (this.#hasSaid) this.#sayAll();
  }

  #sayAll(): void {
    this.#saidAt = performance.now();
    this.#hasSaid = true;
    for (const stream of ["stdout", "stderr"] as const) {
      const { offset, bytes, chunks } = this.#counts[stream];
      if (bytes === 0) continue;
      this.#counts[stream] = { offset: offset + bytes, bytes: 0, chunks: 0 };
      this.#say({ execId: this.#execId, stream, offset, bytes, chunks });
    }
  }
}
