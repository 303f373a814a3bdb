import { fstatSync, write } from "node:fs";
import type { Writable } from "node:stream";
import { isatty } from "node:tty";
import { promisify } from "node:util";

const writeToDescriptor = promisify(write);

/** Bytes on their way out, and how many of them are out. */
export interface Page {
  readonly bytes: Buffer;
  done: number;
}

/** Where lines go. */
export interface Output {
  readonly isTerminal: boolean;
  /**
   * Resolves when the operating system has all of the page; that may be never, where the reader has stopped. Given a page again that
   * failed, it continues behind what is out. Rejects with what the file system says. One at a time.
   */
  write(page: Page): Promise<void>;
  close(): void;
}

/**
 * The process's own stdout or stderr. Node's stream for it does not wait only where it is a pipe or a socket; a terminal (which Ctrl-S
 * stops) and a file (whose disk may hang) it writes to while everything else stands still, so these are written to from another
 * thread.
 */
export function openOutput(name: "stdout" | "stderr"): Output {
  const descriptor = name === "stdout" ? 1 : 2;
  const stats = fstatSync(descriptor);
  if (stats.isFIFO() || stats.isSocket()) return new StreamOutput(process[name]);
  return new DescriptorOutput(descriptor);
}

/** A stream that does not block. */
export class StreamOutput implements Output {
  readonly isTerminal = false;
  readonly #stream: Writable;
  #writing: Promise<void> | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", heard);
  }

  write(page: Page): Promise<void> {
    const writing = new Promise<void>((resolve, reject) => {
      this.#stream.write(page.bytes.subarray(page.done), (error) => (error ? reject(error) : resolve()));
    });
    this.#writing = writing.finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** An error of a write that is still under way must find a listener. */
  close(): void {
    const stop = (): void => void this.#stream.off("error", heard);
    if (this.#writing === undefined) stop();
    else this.#writing.then(stop, stop);
  }
}

/** A file or terminal that is open in this process. */
export class DescriptorOutput implements Output {
  readonly isTerminal: boolean;
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.isTerminal = isatty(descriptor);
  }

  async write(page: Page): Promise<void> {
    const { bytes } = page;
    while (page.done < bytes.length) {
      const left = bytes.length - page.done;
      const { bytesWritten } = await writeToDescriptor(this.#descriptor, bytes, page.done, left, null);
      page.done += bytesWritten;
    }
  }

  close(): void {
    // It is the process's.
  }
}

/** Whoever wrote is told by the write itself. */
function heard(): void {
  // An error that nobody listens to would end the process.
}
