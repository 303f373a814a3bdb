import type { RuntimeEvent } from "@sandglass/protocol";
import { SandboxEventProjector } from "./forward/event-forwarding.ts";
import type { SandboxOwner } from "./messages.ts";
import type { TelemetryHead } from "./telemetry-record.ts";

/** Of one sandbox, while its claim is on its way. */
const MAX_HELD = 1_000;
/** In which one sandbox is used: one for a run, or for each call of a program without a trace. */
const MAX_TRACES = 1_000;

export interface HostRecord {
  head: TelemetryHead;
  body: Uint8Array;
}

/** Whose a forwarded sandbox is. */
export type ForwardedOwner = Pick<SandboxOwner, "orgId" | "template" | "runId">;

/** What a daemon after this one has to know of a forwarded sandbox. Plain JSON, without a secret. */
export interface KeptForwarding extends ForwardedOwner {
  destinationId: string;
}

/**
 * What the host knows of one forwarded sandbox, on its way to its owner. Each event is projected once, however often it is read: what
 * is measured adds up. What was projected stays until it is in the log.
 */
export class ForwardedSandbox {
  readonly sandboxId: string;
  readonly owner: ForwardedOwner;
  /** A daemon before this one served it. */
  readonly isOfBefore: boolean;
  /** Undefined until its claim has said so. */
  destinationId: string | undefined;
  /** Its end was read. */
  isOver = false;
  /** Its destination is about to be told so. */
  isEnding = false;
  /** No more spans are to come above it. */
  isRunOver = false;
  /** Resolves when nothing more comes from inside. */
  detached: Promise<unknown> = Promise.resolve();
  readonly #append: (records: HostRecord[]) => Promise<void>;
  readonly #projector: SandboxEventProjector;
  readonly #traceIds = new Set<string>();
  #events: RuntimeEvent[] = [];
  /** Of spans above it. */
  #above: RuntimeEvent[] = [];
  #records: HostRecord[] = [];
  #takenTo = 0;
  #firstUnsent: number | undefined;
  #isMuted = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(
    sandboxId: string,
    { orgId, template, runId }: ForwardedOwner,
    options: { append(records: HostRecord[]): Promise<void>; before?: KeptForwarding },
  ) {
    this.sandboxId = sandboxId;
    this.owner = { orgId, template, runId };
    this.isOfBefore = options.before !== undefined;
    this.destinationId = options.before?.destinationId;
    this.#append = options.append;
    this.#projector = new SandboxEventProjector({ sandboxId, ...this.owner });
  }

  /** First position whose event is not in the log yet; undefined where all are. */
  get firstUnsent(): number | undefined {
    return this.#firstUnsent;
  }

  /** There is something to send, or to end. */
  get hasNews(): boolean {
    return this.#firstUnsent !== undefined || (this.isOver && !this.isEnding);
  }

  /** Undefined where it is not known whether it is forwarded. */
  get kept(): KeptForwarding | undefined {
    const { destinationId } = this;
    return destinationId === undefined ? undefined : { ...this.owner, destinationId };
  }

  /** @param event about it, of its owner's organisation. @returns false where there is no room for it */
  take(position: number, event: RuntimeEvent): boolean {
    if (position <= this.#takenTo) return true;
    this.#takenTo = position;
    if (event.type === "sandbox.terminated") this.isOver = true;
    this.#remember(event.traceId);
    if (this.destinationId === undefined && this.#isMuted) return true;
    if (this.destinationId === undefined && this.#events.length >= MAX_HELD) return !this.mute();
    this.#firstUnsent ??= position;
    this.#events.push(event);
    return true;
  }

  /**
   * Whether something that was asked of it stands below the span that ends with `event`, of an agent. It is so by the trace, for spans of the
   * caller's own, which the host never sees, may be between them.
   */
  isBelow(event: RuntimeEvent): boolean {
    return event.orgId === this.owner.orgId && this.#traceIds.has(event.traceId);
  }

  /** @param events of which it {@link isBelow} the last, from above */
  takeAbove(position: number, events: readonly RuntimeEvent[]): void {
    if (position <= this.#takenTo || this.destinationId === undefined) return;
    this.#takenTo = position;
    this.#firstUnsent ??= position;
    this.#above.push(...events);
  }

  #remember(traceId: string): void {
    this.#traceIds.add(traceId);
    const [oldest] = this.#traceIds;
    if (this.#traceIds.size > MAX_TRACES && oldest !== undefined) this.#traceIds.delete(oldest);
  }

  /** Its claim takes too long: what is held is let go, and so is what comes until then. @returns whether that is new */
  mute(): boolean {
    const isNew = !this.#isMuted;
    this.#isMuted = true;
    this.#events = [];
    this.#firstUnsent = undefined;
    return isNew;
  }

  /** Resolves when all that was taken is in the log; at once where it is not known yet where it is to go. */
  send(): Promise<void> {
    const sent = this.#sending.then(() => this.#sendAll());
    this.#sending = sent.catch(() => undefined); // told to whoever asked for it
    return sent;
  }

  async #sendAll(): Promise<void> {
    const { destinationId } = this;
    while (destinationId !== undefined && this.#firstUnsent !== undefined) {
      this.#project(destinationId);
      const records = this.#records;
      if (records.length > 0) await this.#append(records);
      this.#records = [];
      // More may have been taken meanwhile.
      if (this.#events.length + this.#above.length === 0) this.#firstUnsent = undefined;
    }
  }

  #project(destinationId: string): void {
    const [events, above] = [this.#events, this.#above];
    [this.#events, this.#above] = [[], []];
    const { orgId, runId } = this.owner;
    const place = { orgId, sandboxId: this.sandboxId, runId: events[0]?.runId || runId, destinationId };
    const common = { origin: "host", receivedAt: Date.now(), isForwardOnly: true } as const;
    for (const { signal, items, body } of [
      ...this.#projector.project(events),
      ...this.#projector.projectAbove(above),
    ]) {
      this.#records.push({ head: { ...common, ...place, signal, items }, body });
    }
  }
}
