import type { RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch, Exporter, ExportResult } from "../../delivery/exporter.ts";
import type { Output, Page } from "./output.ts";

/** What a write says when nobody will read any more. */
const GONE: ReadonlySet<string> = new Set([
  "EPIPE",
  "EIO",
  "ECONNRESET",
  "ENOTCONN",
  "EBADF",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
]);

/** A batch whose lines are not out, or not all of them. */
interface Printing {
  readonly batch: EventBatch;
  readonly page: Page;
  /** Absent where the last try failed. */
  writing?: Promise<void> | undefined;
}

/** Lines on an output of the process. A batch is delivered when its last line is out; until then it is the only one in memory. */
export class ConsoleExporter implements Exporter {
  readonly #output: Output;
  readonly #name: string;
  readonly #line: (event: RuntimeEvent) => string;
  #current: Printing | undefined;

  /**
   * @param name of the output, for reasons
   * @param line of an event, without its newline
   */
  constructor(output: Output, name: string, line: (event: RuntimeEvent) => string) {
    this.#output = output;
    this.#name = name;
    this.#line = line;
  }

  async export(batch: EventBatch): Promise<ExportResult> {
    let printing = this.#current;
    if (printing?.batch !== batch) {
      try {
        printing = { batch, page: this.#pageOf(batch) };
      } catch (error) {
        return { status: "fail", reason: `it cannot be said in a line: ${(error as Error).message}` };
      }
    }
    try {
      // What was begun cannot be called off: another batch waits for it, the same one again continues it.
      if (this.#current !== undefined && this.#current !== printing) await this.#write(this.#current);
      this.#current = printing;
      await this.#write(printing);
      return { status: "ok" };
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      if (GONE.has(code))
        return { status: "disable", reason: `nobody reads ${this.#name} any more (${code})` };
      return { status: "retry", reason: `cannot write to ${this.#name}: ${message}` };
    }
  }

  async shutdown(): Promise<void> {
    this.#output.close();
  }

  async #write(current: Printing): Promise<void> {
    current.writing ??= this.#output.write(current.page).finally(() => {
      current.writing = undefined;
    });
    await current.writing;
    if (this.#current === current) this.#current = undefined;
  }

  #pageOf({ events }: EventBatch): Page {
    let text = "";
    for (const { event } of events) text += `${this.#line(event)}\n`;
    return { bytes: Buffer.from(text), done: 0 };
  }
}
