import { attempt } from "./attempt.ts";
import type { DeadLetterFile } from "./dead-letters.ts";
import type { EventBatch, Exporter, Rejection } from "./exporter.ts";
import type { Health } from "./health.ts";
import type { LogEvent } from "./log-event.ts";
import type { RetrySchedule } from "./retry-schedule.ts";
import { batchOf, type Outcome, sumOf } from "./window.ts";

/** The end of a send without an outcome: what was not delivered stays in the log. */
export class SendStopped extends Error {
  override readonly name = "SendStopped";
}
/** The destination wants nothing any more. */
export class DestinationDisabled extends Error {
  override readonly name = "DestinationDisabled";
}

export interface SenderParts {
  exporter: Exporter;
  timeoutMs: number;
  schedule: RetrySchedule;
  health: Health;
  deadLetters: DeadLetterFile;
  /** Takes secrets out of a reason. */
  redact(text: string): string;
  /** Told of every failure. */
  onFailure(message: string, events: number, willRetry: boolean): void;
}

/**
 * Brings batches to their end: tries until the destination takes them, splits what it refuses until the events that are at fault are
 * found, and puts those into the dead-letter file.
 */
export class Sender {
  readonly #parts: SenderParts;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** @throws SendStopped when the signal fires, DestinationDisabled */
  async send(batch: EventBatch, signal: AbortSignal): Promise<Outcome> {
    const { exporter, timeoutMs, schedule, health } = this.#parts;
    let isAbandoned = false;
    for (let tries = 1; ; tries++) {
      await schedule.respect(signal);
      if (signal.aborted) throw new SendStopped();
      const startedAt = performance.now();
      const result = await attempt(exporter, batch, timeoutMs, signal);
      const tookMs = performance.now() - startedAt;
      isAbandoned ||= result.isAbandoned === true;
      switch (result.status) {
        case "ok": {
          const wasFailing = health.failingSince !== undefined;
          health.delivered();
          if (wasFailing) schedule.wake();
          const outcome = await this.#accept(batch, result.rejected ?? [], signal);
          return { ...outcome, checkpoint: result.checkpoint, isAbandoned };
        }
        case "fail":
          // It answers: only what it was sent is wrong.
          health.answered();
          return {
            ...(await this.#split(batch, this.#parts.redact(result.reason), signal)),
            ...(isAbandoned && { isAbandoned }),
          };
        case "disable":
          this.#fail(result.reason, batch, tookMs, false);
          throw new DestinationDisabled(this.#parts.redact(result.reason));
        case "retry":
          if (signal.aborted) throw new SendStopped();
          this.#fail(result.reason, batch, tookMs, true, result.afterMs);
          if (result.afterMs !== undefined && result.afterMs > 0) schedule.postpone(result.afterMs);
          else await schedule.backOff(tries, signal);
      }
    }
  }

  #fail(reason: string, batch: EventBatch, tookMs: number, willRetry: boolean, afterMs?: number): void {
    const message = this.#parts.redact(reason);
    this.#parts.health.failedEvents += batch.events.length;
    this.#parts.health.failed(message, tookMs, afterMs);
    this.#parts.onFailure(message, batch.events.length, willRetry);
  }

  async #split(batch: EventBatch, reason: string, signal: AbortSignal): Promise<Outcome> {
    const { events } = batch;
    const [only] = events;
    if (events.length === 1 && only !== undefined) {
      await this.#bury([{ event: only, reason }], signal);
      this.#parts.health.failedEvents += 1;
      return { delivered: 0, rejected: 1 };
    }
    const middle = Math.ceil(events.length / 2);
    const first = await this.send(batchOf(events.slice(0, middle)), signal);
    const second = await this.send(batchOf(events.slice(middle)), signal);
    return sumOf(first, second);
  }

  async #accept(
    { events }: EventBatch,
    rejections: readonly Rejection[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (rejections.length === 0) return { delivered: events.length, rejected: 0 };
    const letters = new Map<number, string>();
    let unnamed = 0;
    let reasons = "";
    for (const rejection of rejections) {
      const reason = this.#parts.redact(rejection.reason);
      if ("index" in rejection) letters.set(rejection.index, reason);
      else {
        unnamed += rejection.count;
        reasons = reason;
      }
    }
    const named = [...letters].flatMap(([index, reason]) => {
      const event = events[index];
      return event === undefined ? [] : [{ event, reason }];
    });
    const rejected = Math.min(events.length, named.length + Math.max(0, unnamed));
    // It said how many and not which: any of them may be one.
    const candidates =
      unnamed > 0
        ? events
            .filter((_, index) => !letters.has(index))
            .map((event) => ({
              event,
              reason: `one of ${events.length}, ${unnamed} of which were rejected: ${reasons}`,
            }))
        : [];
    await this.#bury([...named, ...candidates], signal);
    this.#parts.health.failedEvents += rejected;
    return { delivered: events.length - rejected, rejected };
  }

  /** Nothing counts as rejected before it is in the file, so that it can be looked at. */
  async #bury(letters: readonly { event: LogEvent; reason: string }[], signal: AbortSignal): Promise<void> {
    const { deadLetters, schedule, health, onFailure } = this.#parts;
    const [first] = letters;
    if (first === undefined) return;
    for (let tries = 1; ; tries++) {
      try {
        await deadLetters.write(letters);
        health.refused(`rejected: ${first.reason}`);
        onFailure(`rejected: ${first.reason}`, letters.length, false);
        return;
      } catch (error) {
        health.failed(`cannot write ${deadLetters.path}: ${(error as Error).message}`, 0);
        await schedule.backOff(tries, signal);
        if (signal.aborted) throw new SendStopped();
      }
    }
  }
}
