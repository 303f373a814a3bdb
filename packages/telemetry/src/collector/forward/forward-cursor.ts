import type { NamedReader } from "../../log/named-reader.ts";
import { type ForwardState, settledTo } from "./forward-state.ts";

/** How often it goes to disk; what was delivered since is delivered again after a crash. */
const COMMIT_EVERY_MS = 100;

export interface CursorParts {
  reader: NamedReader;
  /** Where everybody is now. */
  state(): ForwardState;
  /** That state is on disk. */
  committed(state: ForwardState): void;
  onProblem(message: string, error: unknown): void;
}

/** The one cursor of forwarding: the log is kept for whoever is furthest behind, and where the others are stands in the same file. */
export class ForwardCursor {
  readonly #parts: CursorParts;
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> = Promise.resolve();
  #isOver = false;
  /** What is on disk, as JSON. */
  #written = "";

  constructor(parts: CursorParts) {
    this.#parts = parts;
  }

  commitSoon(): void {
    if (this.#isOver) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.commit();
    }, COMMIT_EVERY_MS);
  }

  /** Resolves when the state as it is now is on disk, or known not to be: then it is tried again soon. */
  commit(): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commitNow());
    return this.#committing;
  }

  /** The last time. */
  async close(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.commit();
  }

  async #commitNow(): Promise<void> {
    const { reader, committed, onProblem } = this.#parts;
    const state = this.#parts.state();
    const json = JSON.stringify(state);
    try {
      // Attempts that fail change nothing: endpoints that nobody answers at must not keep the disk busy.
      if (json !== this.#written) await reader.commit(settledTo(state), state);
      this.#written = json;
    } catch (error) {
      onProblem(`the cursor of ${reader.name} was not written`, error);
      return this.commitSoon();
    }
    committed(state);
  }
}
