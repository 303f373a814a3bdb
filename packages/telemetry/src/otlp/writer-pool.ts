import { ProtoWriter } from "./proto-writer.ts";

const MAX_WRITERS = 64;
/** One that grew larger is let go. */
const MAX_BYTES = 128 * 1024;

/** Writers whose memory is used again: what is written is copied out of them before the next request is begun. */
export class WriterPool {
  readonly #free: ProtoWriter[] = [];

  take(): ProtoWriter {
    return this.#free.pop() ?? new ProtoWriter();
  }

  giveBack(writer: ProtoWriter): void {
    if (this.#free.length === MAX_WRITERS || writer.capacity > MAX_BYTES) return;
    writer.clear();
    this.#free.push(writer);
  }
}
