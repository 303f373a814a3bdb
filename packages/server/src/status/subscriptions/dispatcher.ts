import { Counter } from "../../metrics/instruments.ts";
import type { ChangeLog } from "../change-log.ts";
import type { StatusDatabase } from "../status-database.ts";
import type { Delivery, DeliveryQueue } from "./delivery-queue.ts";
import { isFor, noticeOf } from "./notice.ts";
import type { Outcome } from "./outcome.ts";
import { SUBSCRIBER_KINDS, type Subscriber, type SubscriberTable } from "./subscriber-table.ts";

const READER = "subscriptions";
const BATCH = 100;
const AT_ONCE = 8;
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 6 * 3_600_000;
/** After this a message is given up: what it says is history. */
const KEPT_MS = 3 * 86_400_000;
/** Messages in a row that were refused or given up, after which a subscriber is one no more. */
const MOST_FAILURES = 5;
const PRUNE_MS = 3_600_000;
const TELL_AGAIN_MS = 600_000;

/** `failed` is tried again, `given_up` was for too long; the others are as they are in {@link Outcome}. */
const OUTCOMES = ["delivered", "failed", "refused", "gone", "given_up"] as const;

export interface DispatcherParts {
  database: StatusDatabase;
  changes: ChangeLog;
  subscribers: SubscriberTable;
  queue: DeliveryQueue;
  isPublic: (componentId: string) => boolean;
  send: (delivery: Delivery, subscriber: Subscriber, signal: AbortSignal) => Promise<Outcome>;
  onProblem: (message: string, error: unknown) => void;
  /** Default half a minute: before the first repetition, twice as long each time. */
  firstRetryMs?: number;
}

/**
 * Tells subscribers what changed. Which messages a change makes is decided in one transaction with the change being done with, so that
 * a crash neither forgets one nor makes it twice; a message that was sent and not said to be comes again, with the same id.
 */
export class Dispatcher {
  /** Since the daemon's start. */
  readonly attempts: Counter = new Counter(
    SUBSCRIBER_KINDS.flatMap((kind) => OUTCOMES.map((outcome) => labelsOf(kind, outcome))),
  );
  readonly #parts: DispatcherParts;
  readonly #stop = new AbortController();
  readonly #stopListening: () => void;
  readonly #underWay = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #prunedAt = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#stopListening = parts.changes.listen(() => this.wake());
    parts.changes.place(READER);
    this.wake();
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    try {
      this.#fanOut();
      this.#prune();
      this.#sendDue();
      this.#sleep();
    } catch (error) {
      this.#parts.onProblem("subscribers of the status page could not be told yet", error);
      this.#wakeAt(Date.now() + FIRST_RETRY_MS);
    }
  }

  /** What is under way is broken off and comes again at the next start. */
  async stop(): Promise<void> {
    this.#stopListening();
    this.#stop.abort(new Error("the status page is closing"));
    clearTimeout(this.#timer);
    await Promise.all(this.#underWay.values());
  }

  #fanOut(): void {
    const { database, changes, subscribers, queue, isPublic } = this.#parts;
    for (;;) {
      const batch = changes.read(changes.place(READER), BATCH);
      if (batch.length === 0) return;
      database.transaction(() => {
        const all = subscribers.confirmed();
        for (const change of batch) {
          const notice = noticeOf(change, isPublic);
          for (const { id, kind, components } of notice === undefined ? [] : all) {
            // By mail only what somebody wrote, or would have: not each colour that a component takes.
            if (kind === "email" && change.type === "status.changed") continue;
            if (isFor(notice!, components)) queue.add(id, change.position, change.at);
          }
          changes.commit(READER, change.position);
        }
      });
    }
  }

  #sendDue(): void {
    const { queue, subscribers } = this.#parts;
    for (const delivery of queue.due(Date.now(), AT_ONCE + this.#underWay.size)) {
      if (this.#underWay.size >= AT_ONCE) return;
      if (this.#underWay.has(delivery.subscriber)) continue;
      const subscriber = subscribers.get(delivery.subscriber);
      if (subscriber === undefined) {
        queue.done(delivery.key);
        continue;
      }
      const sending = this.#send(delivery, subscriber)
        .catch((error: unknown) => {
          if (this.#stop.signal.aborted) return;
          this.#parts.onProblem("a subscriber of the status page could not be told", error);
          queue.again(delivery.key, Date.now() + FIRST_RETRY_MS);
        })
        .finally(() => {
          this.#underWay.delete(delivery.subscriber);
          this.wake();
        });
      this.#underWay.set(delivery.subscriber, sending);
    }
  }

  async #send(delivery: Delivery, subscriber: Subscriber): Promise<void> {
    const { send, queue, subscribers, database } = this.#parts;
    const outcome = await send(delivery, subscriber, this.#stop.signal);
    if (this.#stop.signal.aborted && outcome.kind === "failed") return;
    const now = Date.now();
    const became = database.transaction((): (typeof OUTCOMES)[number] => {
      if (outcome.kind === "gone") {
        subscribers.remove(subscriber.id);
        return "gone";
      }
      if (outcome.kind === "delivered") {
        queue.done(delivery.key);
        if (subscriber.failures > 0) subscribers.setFailures(subscriber.id, 0);
        return "delivered";
      }
      const waitMs = Math.max(
        this.#waitMs(delivery.attempts),
        (outcome.kind === "failed" && outcome.retryAfterMs) || 0,
      );
      if (outcome.kind === "failed" && now + waitMs - delivery.createdAt < KEPT_MS) {
        queue.again(delivery.key, now + waitMs);
        return "failed";
      }
      queue.done(delivery.key);
      if (subscriber.failures + 1 >= MOST_FAILURES) subscribers.remove(subscriber.id);
      else subscribers.setFailures(subscriber.id, subscriber.failures + 1);
      return outcome.kind === "failed" ? "given_up" : outcome.kind;
    });
    this.attempts.add(labelsOf(subscriber.kind, became));
    if (outcome.kind === "failed" && subscriber.kind === "email") this.#tellOfMail(outcome.reason);
  }

  /** A mail server that is away fails every mail; one line in a while says it. Whose mail it is stays between them and us. */
  #tellOfMail(reason: string): void {
    const now = performance.now();
    if (now - this.#toldAt < TELL_AGAIN_MS) return;
    this.#toldAt = now;
    this.#parts.onProblem("mail of the status page waits", new Error(reason));
  }

  /** Between half and all of what doubles each time. */
  #waitMs(attempts: number): number {
    const longest = Math.min(LONGEST_RETRY_MS, (this.#parts.firstRetryMs ?? FIRST_RETRY_MS) * 2 ** attempts);
    return longest / 2 + (Math.random() * longest) / 2;
  }

  #prune(): void {
    const now = Date.now();
    if (now - this.#prunedAt < PRUNE_MS) return;
    this.#prunedAt = now;
    this.#parts.subscribers.prune(now);
  }

  #sleep(): void {
    // One that ends wakes it up.
    if (this.#underWay.size >= AT_ONCE) return;
    this.#wakeAt(this.#parts.queue.nextAt() ?? Number.POSITIVE_INFINITY);
  }

  #wakeAt(at: number): void {
    clearTimeout(this.#timer);
    // What is due and under way is no reason to look again at once.
    const waitMs = Math.min(PRUNE_MS, Math.max(1_000, at - Date.now()));
    this.#timer = setTimeout(() => this.wake(), waitMs).unref();
  }
}

function labelsOf(kind: Subscriber["kind"], outcome: (typeof OUTCOMES)[number]): Record<string, string> {
  return { "sandglass.kind": kind, "sandglass.outcome": outcome };
}
