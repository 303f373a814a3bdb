import type { Exec } from "./exec.ts";

/** Of more than so many groups, the oldest are forgotten whose processes have gone. */
const KEPT = 1000;

/** Which exec the processes of a group are of: the one that it was made for, or the last cell of the interpreter in it. */
export class GroupExecs {
  readonly #execs = new Map<string, Pick<Exec, "id" | "context" | "spanId">>();
  readonly #isThere: (group: string) => boolean;

  /** @param isThere whether what an exec left behind may still run in a group */
  constructor(isThere: (group: string) => boolean) {
    this.#isThere = isThere;
  }

  set(group: string, { id, context, spanId }: Pick<Exec, "id" | "context" | "spanId">): void {
    this.#execs.delete(group);
    this.#execs.set(group, { id, context, spanId });
    for (const oldest of this.#execs.keys()) {
      if (this.#execs.size <= KEPT) break;
      if (!this.#isThere(oldest)) this.#execs.delete(oldest);
    }
  }

  get(group: string): Pick<Exec, "id" | "context" | "spanId"> | undefined {
    return this.#execs.get(group);
  }
}
