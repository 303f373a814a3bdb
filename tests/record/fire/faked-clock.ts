import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(
  (triple) => `/usr/lib/${triple}/faketime/libfaketime.so.1`,
);

/** The wall clock of a process (libfaketime), to be set while it runs; its monotonic clock stays what it is. */
export class FakedClock implements Disposable {
  /** For the process that is to have it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #dir: string;

  /** @throws Error where libfaketime is not installed */
  constructor() {
    const library = LIBRARIES.find((path) => existsSync(path));
    if (library === undefined) throw new Error("libfaketime is not there: scripts/setup.sh --test");
    this.#dir = mkdtempSync("/tmp/sg-clock-");
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    this.set(0);
  }

  /** How far it is ahead of the true one, in seconds. */
  set(aheadSeconds: number): void {
    const sign = aheadSeconds < 0 ? "-" : "+";
    // Whole or not at all: it is read at every look at the clock.
    writeFileSync(`${this.#file}.new`, `${sign}${Math.abs(aheadSeconds)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true });
  }

  get #file(): string {
    return join(this.#dir, "offset");
  }
}
