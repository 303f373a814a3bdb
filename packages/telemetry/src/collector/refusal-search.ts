/** Attempts that finding the faults of one sender's part of a batch may take: enough for two among 64, one by one. */
const MAX_TRIES = 32;
/** Where its batches are refused one after the other it gets half as many each time; again all after so long without. */
const FORGET_MS = 60_000;
/** Senders that are remembered for that. */
const MAX_SENDERS = 1_000;

/** Sends a part of a batch. Undefined where the destination took it, else why it refuses it. */
export type TryPart<T> = (part: readonly T[]) => Promise<string | undefined>;

interface Search<T> {
  readonly trySend: TryPart<T>;
  readonly refuse: (item: T, reason: string) => void;
  triesLeft: number;
}

/**
 * Finds what a destination refuses a batch for: first the senders that are at fault, by halves, so that the others have theirs at once;
 * then of each sender the requests. But nobody waits for one who sends such again and again: when its attempts are used up, what is
 * refused of it is refused as a whole.
 */
export class RefusalSearch<T> {
  readonly #senderOf: (item: T) => string;
  readonly #strikes = new Map<string, { count: number; at: number }>();

  constructor(senderOf: (item: T) => string) {
    this.#senderOf = senderOf;
  }

  /**
   * @param items that were refused together, for `reason`
   * @param trySend rejects where an answer cannot be had; what is settled by then stays so
   * @param refuse told of each that is not to be sent again, as soon as that is known
   */
  async isolate(
    items: readonly T[],
    reason: string,
    trySend: TryPart<T>,
    refuse: (item: T, reason: string) => void,
  ): Promise<void> {
    for (const { sender, part, why } of await atFault(
      [...Map.groupBy(items, this.#senderOf)],
      reason,
      trySend,
    )) {
      const search = { trySend, refuse, triesLeft: MAX_TRIES >> this.#strike(sender) };
      await this.#halve(part, why, search);
    }
  }

  async #halve(part: readonly T[], reason: string, search: Search<T>): Promise<void> {
    if (part.length === 1 || search.triesLeft <= 0) {
      for (const item of part) search.refuse(item, reason);
      return;
    }
    const middle = Math.ceil(part.length / 2);
    for (const half of [part.slice(0, middle), part.slice(middle)]) {
      search.triesLeft -= 1;
      const why = await search.trySend(half);
      if (why !== undefined) await this.#halve(half, why, search);
    }
  }

  /** @returns how often that was so before, of late */
  #strike(sender: string): number {
    const now = performance.now();
    const known = this.#strikes.get(sender);
    const count = known !== undefined && now - known.at < FORGET_MS ? known.count : 0;
    if (known === undefined && this.#strikes.size >= MAX_SENDERS) this.#strikes.clear();
    this.#strikes.set(sender, { count: Math.min(count + 1, 30), at: now });
    return count;
  }
}

interface PartAtFault<T> {
  sender: string;
  part: readonly T[];
  why: string;
}

/** Those of the senders' parts that are refused by themselves. @param parts that were refused together, for `reason` */
async function atFault<T>(
  parts: readonly [sender: string, part: readonly T[]][],
  reason: string,
  trySend: TryPart<T>,
): Promise<PartAtFault<T>[]> {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return [{ sender: only[0], part: only[1], why: reason }];
  const middle = Math.ceil(parts.length / 2);
  const found: PartAtFault<T>[] = [];
  for (const half of [parts.slice(0, middle), parts.slice(middle)]) {
    const why = await trySend(half.flatMap(([, part]) => part));
    if (why !== undefined) found.push(...(await atFault(half, why, trySend)));
  }
  return found;
}
