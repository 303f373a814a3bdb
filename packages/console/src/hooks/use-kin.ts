import type { RuntimeEvent, SandboxInfo } from "@sandglass/protocol";
import { useMemo } from "react";
import { useEvents } from "./use-events.ts";

/** Whom a sandbox descends from, and what came of it. Ids. */
export interface Kin {
  parent: string | undefined;
  forks: string[];
  /** Those whose files it took over. */
  tookOver: string[];
  /** Who took over its files. */
  mergedInto: string | undefined;
}

/**
 * Its forks and merges, as the record says.
 *
 * @param sandbox undefined where the record may not be read
 * @param events that are followed of it: they bring what is new. What is older may be no longer among them
 */
export function useKin(sandbox: SandboxInfo | undefined, events: readonly RuntimeEvent[]): Kin {
  const own = sandbox && `sandboxId=${sandbox.id}&types=sandbox.forked,sandbox.merged`;
  const known = useEvents(own, false).events;
  // Said of the one that took it over, whichever that is.
  const merges = useEvents(sandbox?.cause === "merged" ? "types=sandbox.merged" : undefined, false).events;
  return useMemo(() => {
    const forks = new Set<string>();
    const tookOver = new Set<string>();
    for (const event of [...known, ...events]) {
      if (event.type === "sandbox.forked") for (const child of event.data.children) forks.add(child);
      if (event.type === "sandbox.merged") tookOver.add(event.data.winner);
    }
    const merge = merges.find(
      (event) => event.type === "sandbox.merged" && event.data.winner === sandbox?.id,
    );
    return {
      parent: sandbox?.parentId,
      forks: [...forks],
      tookOver: [...tookOver],
      mergedInto: merge?.sandboxId,
    };
  }, [known, events, merges, sandbox?.parentId, sandbox?.id]);
}
