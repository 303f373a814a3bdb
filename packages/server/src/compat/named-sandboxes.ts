import type { CallContext, CreateSandboxRequest } from "@sandglass/protocol";
import type { RuntimeApi, SandboxHandle } from "@sandglass/runtime";

/** A name as callers of the agent-sandbox API know it; the same one in another namespace or organisation is another. */
export interface SandboxName {
  namespace: string;
  name: string;
}

interface Named {
  made: Promise<SandboxHandle>;
  /** Once it is there. */
  handle?: SandboxHandle;
}

/** Sandboxes by names that callers made up: one is made when its name is first used, and anew when it has ended. */
export class NamedSandboxes {
  readonly #runtime: Pick<RuntimeApi, "create">;
  readonly #request: CreateSandboxRequest;
  readonly #byName = new Map<string, Named>();

  /** @param request what they are made as, but for their metadata, which holds the name */
  constructor(runtime: Pick<RuntimeApi, "create">, request: CreateSandboxRequest) {
    this.#runtime = runtime;
    this.#request = request;
  }

  /** Calls that come at once share one. @throws what making a sandbox throws; the next call tries again then */
  get({ namespace, name }: SandboxName, context: CallContext): Promise<SandboxHandle> {
    const key = JSON.stringify([context.orgId, namespace, name]);
    const known = this.#byName.get(key);
    if (known !== undefined && !hasEnded(known)) return known.made;
    for (const [other, named] of this.#byName) if (hasEnded(named)) this.#byName.delete(other);
    const metadata = { "agent-sandbox.name": name, "agent-sandbox.namespace": namespace };
    const named: Named = { made: this.#runtime.create({ ...this.#request, metadata }, context) };
    this.#byName.set(key, named);
    named.made.then(
      (handle) => {
        named.handle = handle;
      },
      () => this.#byName.delete(key),
    );
    return named.made;
  }
}

function hasEnded({ handle }: Named): boolean {
  const state = handle?.info().state;
  return state === "terminating" || state === "terminated";
}
