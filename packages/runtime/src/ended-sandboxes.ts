import type { EndedSandbox } from "./ended-sandbox.ts";

const KEPT = 1000;
/** Of what is known of their execs, which may have long commands, and output that is on no disk. */
const EXECS_BYTES = 32 * 1024 ** 2;

/** The sandboxes that ended last, in that order. What is not here is in the record. */
export class EndedSandboxes {
  readonly #maxBytes: number;
  readonly #byId = new Map<string, EndedSandbox>();
  /** Those whose execs are known, the oldest first, and what these cost. */
  readonly #withExecs = new Map<EndedSandbox, number>();
  #bytes = 0;

  /** @param maxBytes of memory for their execs; beyond it those of the oldest sandboxes are forgotten. Default 32 MiB */
  constructor(maxBytes: number = EXECS_BYTES) {
    this.#maxBytes = maxBytes;
  }

  add(sandbox: EndedSandbox): void {
    this.#byId.set(sandbox.id, sandbox);
    const bytes = sandbox.memoryBytes;
    this.#withExecs.set(sandbox, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#withExecs.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#letGoOfExecs(oldest);
    }
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= KEPT) break;
      this.delete(oldest);
    }
  }

  get(id: string): EndedSandbox | undefined {
    return this.#byId.get(id);
  }

  values(): Iterable<EndedSandbox> {
    return this.#byId.values();
  }

  delete(id: string): void {
    const sandbox = this.#byId.get(id);
    if (sandbox === undefined) return;
    this.#byId.delete(id);
    this.#letGoOfExecs(sandbox);
  }

  #letGoOfExecs(sandbox: EndedSandbox): void {
    this.#bytes -= this.#withExecs.get(sandbox) ?? 0;
    this.#withExecs.delete(sandbox);
    sandbox.forgetExecs();
  }
}
