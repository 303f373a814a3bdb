import type { Emit, EventDataMap, EventInput, EventType } from "@sandglass/protocol";

export type EventInputOf<T extends EventType> = EventInput & { type: T; data: EventDataMap[T] };

/** What a runtime says, kept in the order in which it was said. */
export class EventRecord {
  readonly all: EventInput[] = [];
  #waiting: { matches(event: EventInput): boolean; resolve(event: EventInput): void }[] = [];
  /** Called before an event is kept: one that rejects is a log that cannot take it, one that waits is a slow log. */
  onEmit: ((event: EventInput) => Promise<void> | void) | undefined;

  readonly emit: Emit = async (event) => {
    await this.onEmit?.(event);
    this.all.push(event);
    const ready = this.#waiting.filter(({ matches }) => matches(event));
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve(event);
  };

  /** Everything said of one sandbox. */
  of(sandboxId: string): EventInput[] {
    return this.all.filter((event) => event.sandboxId === sandboxId);
  }

  ofType<T extends EventType>(type: T, sandboxId?: string): EventInputOf<T>[] {
    return this.all.filter(
      (event): event is EventInputOf<T> =>
        event.type === type && (sandboxId === undefined || event.sandboxId === sandboxId),
    );
  }

  /** Everything said of one exec. */
  ofExec(execId: string): EventInput[] {
    return this.all.filter((event) => "execId" in event.data && event.data.execId === execId);
  }

  /** The first event of this type and sandbox, as soon as there is one. */
  async next<T extends EventType>(type: T, sandboxId: string): Promise<EventInputOf<T>> {
    const [known] = this.ofType(type, sandboxId);
    if (known !== undefined) return known;
    const matches = (event: EventInput): boolean => event.type === type && event.sandboxId === sandboxId;
    const event = await new Promise<EventInput>((resolve) => this.#waiting.push({ matches, resolve }));
    return event as EventInputOf<T>;
  }
}
