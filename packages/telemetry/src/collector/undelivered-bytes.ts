import { UndeliveredQueue } from "./undelivered-queue.ts";

/** A group of destinations that are to get the same requests. */
export type Reach = string;

interface Waiting {
  readonly queue: UndeliveredQueue;
  /** Of what was in the log when the group came, which is read again while more is added. */
  readonly before: UndeliveredQueue;
}

/**
 * How much of the log is some sender's and not delivered yet. What several groups of destinations have not got counts once: each has
 * got the beginning of what there is of a sender, so the one that is furthest behind has all that the others wait for.
 */
export class UndeliveredBytes {
  readonly #reaches = new Map<Reach, Waiting>();
  readonly #senders = new Map<string, Map<Reach, number>>();
  #total = 0;

  /** Of all senders. */
  get total(): number {
    return this.#total;
  }

  /** Senders of whom something waits. */
  get senders(): number {
    return this.#senders.size;
  }

  of(sender: string): number {
    return largest(this.#senders.get(sender));
  }

  has(reach: Reach): boolean {
    return this.#reaches.has(reach);
  }

  begin(reach: Reach): void {
    this.#reaches.set(reach, { queue: new UndeliveredQueue(), before: new UndeliveredQueue() });
  }

  /** Nothing waits for it any more. */
  end(reach: Reach): void {
    this.delivered(reach, Number.POSITIVE_INFINITY);
    this.#reaches.delete(reach);
  }

  get reaches(): Iterable<Reach> {
    return this.#reaches.keys();
  }

  add(reach: Reach, position: number, sender: string, bytes: number): void {
    const waiting = this.#reaches.get(reach);
    if (waiting === undefined) return;
    waiting.queue.add(position, sender, bytes);
    this.#change(reach, sender, bytes);
  }

  /** The same of what was in the log before the group came. */
  addBefore(reach: Reach, position: number, sender: string, bytes: number): void {
    const waiting = this.#reaches.get(reach);
    if (waiting === undefined) return;
    waiting.before.add(position, sender, bytes);
    this.#change(reach, sender, bytes);
  }

  /** Everything before `position` was dealt with, or is gone. */
  delivered(reach: Reach, position: number): void {
    const waiting = this.#reaches.get(reach);
    const giveBack = (sender: string, bytes: number): void => this.#change(reach, sender, -bytes);
    waiting?.before.release(position, giveBack);
    waiting?.queue.release(position, giveBack);
  }

  #change(reach: Reach, sender: string, bytes: number): void {
    let held = this.#senders.get(sender);
    if (held === undefined) {
      held = new Map();
      this.#senders.set(sender, held);
    }
    this.#total -= largest(held);
    const left = (held.get(reach) ?? 0) + bytes;
    if (left > 0) held.set(reach, left);
    else held.delete(reach);
    this.#total += largest(held);
    if (held.size === 0) this.#senders.delete(sender);
  }
}

function largest(held: ReadonlyMap<Reach, number> | undefined): number {
  let most = 0;
  for (const bytes of held?.values() ?? []) if (bytes > most) most = bytes;
  return most;
}
