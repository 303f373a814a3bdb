import type { CheckpointFile } from "./checkpoint.ts";
import type { OpenWork } from "./open-work.ts";

const EVERY_EVENTS = 5000;
const EVERY_MS = 30_000;

/** Writes checkpoints often enough that a start has little to read, and one at a time. */
export class Checkpointer {
  readonly #file: CheckpointFile;
  readonly #work: OpenWork;
  readonly #timer: NodeJS.Timeout;
  /** Position of the last event that `work` knows. */
  #position: number;
  #savedPosition: number;
  #saving: Promise<void> | undefined;
  /** Checkpoints that could not be written: a start reads more then, and loses nothing. */
  errors = 0;

  constructor(file: CheckpointFile, work: OpenWork, position: number, savedPosition: number) {
    this.#file = file;
    this.#work = work;
    this.#position = position;
    this.#savedPosition = savedPosition;
    this.#timer = setInterval(() => this.#start(), EVERY_MS).unref();
  }

  advance(position: number): void {
    this.#position = position;
    if (position - this.#savedPosition >= EVERY_EVENTS) this.#start();
  }

  /** One now: what it holds of is what is open now. Errors are counted. */
  async save(): Promise<void> {
    await this.#saving;
    // Also where nothing was added: what the file holds may be of before.
    this.#savedPosition = -1;
    this.#start();
    await this.#saving;
  }

  /** The last one. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
    this.#start();
    await this.#saving;
  }

  #start(): void {
    if (this.#saving || this.#position === this.#savedPosition) return;
    this.#savedPosition = this.#position;
    const { lastSeenAt } = this.#work;
    const saved = this.#file.save({ position: this.#position, lastSeenAt, ledger: this.#work.ledger() });
    this.#saving = saved
      .catch(() => {
        this.errors += 1;
      })
      .then(() => {
        this.#saving = undefined;
      });
  }
}
