import type { RuntimeEvent } from "@sandglass/protocol";

/** What is to be deleted: all of some sandboxes, and what a run says of itself. */
export interface Erasure {
  orgId: string;
  sandboxIds: readonly string[];
  /** "" for none. */
  runId: string;
}

/** What a run's agent says of the run, also in a sandbox that is not the run's alone. */
const OF_A_RUN = /^(run|agent)\.|^cost\.llm$/;
/** A file is named by what is in it, more often than not. */
const FILE_PATH = /^\/v1\/sandboxes\/([^/]+)\/files\/./;

/**
 * Whether an event goes with what is deleted: all of the sandboxes, all that the host has under the run, and what is said for the run in a
 * sandbox that is not its alone. Requests that name a file of the sandboxes go too; what only names an id stays.
 */
export class ErasableEvents {
  readonly #sandboxIds: ReadonlySet<string>;
  readonly #erasure: Erasure;

  constructor(erasure: Erasure) {
    this.#erasure = erasure;
    this.#sandboxIds = new Set(erasure.sandboxIds);
  }

  has(event: RuntimeEvent): boolean {
    const { orgId, runId } = this.#erasure;
    if (event.orgId !== orgId) return false;
    if (event.sandboxId !== "" && this.#sandboxIds.has(event.sandboxId)) return true;
    if (event.type === "http.request") {
      const [, sandboxId] = FILE_PATH.exec(event.data.path) ?? [];
      if (sandboxId !== undefined && this.#sandboxIds.has(sandboxId)) return true;
    }
    if (runId === "" || event.runId !== runId) return false;
    return event.sandboxId === "" || OF_A_RUN.test(event.type);
  }
}
