import { type FlushResult, SandglassError } from "@sandglass/protocol";

/** Names the entry of the configuration that an error is about. */
export function within<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    const { code, hint, message } = error;
    throw new SandglassError(code, `exporters[${index}]: ${message}`, { hint });
  }
}

/** The provider's name, with a number where it is taken. */
export function freeId(provider: string, ids: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const id = n === 1 ? provider : `${provider}-${n}`;
    if (!ids.has(id)) return id;
  }
}

export function taken(id: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `there is an exporter ${id} already`, {
    hint: "give this one another id",
  });
}

export function missing(id: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `there is no exporter ${id}`, {
    hint: "list them with `sandglass exporters`",
  });
}

/** One entry of a configuration, of which it is asked under which id it runs. */
export interface Unnamed {
  id: string | undefined;
  provider: string;
  destination: string;
}

/**
 * The ids of a configuration's entries. One without an id gets that under which its destination was fed before, so that taking an
 * entry away, or moving one, does not make another continue from a place that is not its own; else the first that is free.
 */
export function assignIds(
  entries: readonly Unnamed[],
  taken: ReadonlySet<string>,
  destinationOf: (id: string) => string | undefined,
): string[] {
  const used = new Set([...taken, ...entries.flatMap(({ id }) => id ?? [])]);
  const ids = entries.map(({ id }) => id);
  const free = function* (provider: string): Generator<string> {
    for (let n = 1; n <= used.size + entries.length + 1; n++) {
      const id = n === 1 ? provider : `${provider}-${n}`;
      if (!used.has(id)) yield id;
    }
  };
  const give = (index: number, id: string | undefined): void => {
    ids[index] = id;
    if (id !== undefined) used.add(id);
  };
  for (const [index, { provider, destination }] of entries.entries()) {
    if (ids[index] !== undefined) continue;
    give(
      index,
      [...free(provider)].find((id) => destinationOf(id) === destination),
    );
  }
  for (const [index, { provider }] of entries.entries()) {
    if (ids[index] === undefined) give(index, free(provider).next().value as string);
  }
  return ids as string[];
}

export function sum(results: readonly FlushResult[]): FlushResult {
  const total: FlushResult = { delivered: 0, dropped: 0, pending: 0 };
  for (const { delivered, dropped, pending } of results) {
    total.delivered += delivered;
    total.dropped += dropped;
    total.pending += pending;
  }
  return total;
}
