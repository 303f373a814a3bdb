import type { SandboxDiff } from "@sandglass/protocol";
import { useCallback, useEffect, useRef, useState } from "react";
import { callJson } from "../api/api.ts";

/** A comparison walks two file systems: a page that looks on is not to keep a host busy. */
const AT_ONCE = 2;

/** A sandbox and the one it is compared with. */
export interface Pair {
  id: string;
  against: string;
}

/** What came of a comparison: one of the two. */
export interface Comparison {
  diff?: SandboxDiff;
  error?: Error;
}

export interface Diffs {
  /** Of a sandbox; undefined while it is not known. */
  of(id: string): Comparison | undefined;
  isBusy: boolean;
  /** Compares all anew. */
  again(): void;
}

/** What sandboxes changed, each against another: asked once for each pair, and when it is asked for {@link Diffs.again}. */
export function useDiffs(pairs: readonly Pair[]): Diffs {
  const [known, setKnown] = useState<ReadonlyMap<string, Comparison>>(new Map());
  const [turn, setTurn] = useState(0);
  const asked = useRef(new Set<string>());
  const [open, setOpen] = useState(0);
  const wanted = pairs.map(nameOf).join(" ");

  // biome-ignore lint/correctness/useExhaustiveDependencies: pairs of equal names are the same pairs; a new turn asks again
  useEffect(() => {
    const gone = new AbortController();
    const waiting = pairs.filter((pair) => !asked.current.has(nameOf(pair)));
    const compare = async (): Promise<void> => {
      for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
        const name = nameOf(pair);
        const comparison = await compared(pair, gone.signal);
        if (gone.signal.aborted) return;
        asked.current.add(name);
        setKnown((before) => new Map(before).set(name, comparison));
        setOpen((before) => before - 1);
      }
    };
    setOpen(waiting.length);
    for (let lane = 0; lane < AT_ONCE; lane++) void compare();
    return () => gone.abort();
  }, [wanted, turn]);

  const again = useCallback(() => {
    asked.current.clear();
    setTurn((before) => before + 1);
  }, []);
  const names = new Map(pairs.map((pair) => [pair.id, nameOf(pair)]));
  return { of: (id) => known.get(names.get(id) ?? ""), isBusy: open > 0, again };
}

function nameOf({ id, against }: Pair): string {
  return `${id}:${against}`;
}

async function compared({ id, against }: Pair, signal: AbortSignal): Promise<Comparison> {
  try {
    const path = `/v1/sandboxes/${id}/diff?against=${encodeURIComponent(against)}`;
    return { diff: await callJson<SandboxDiff>(path, { signal }) };
  } catch (error) {
    return { error: error as Error };
  }
}
