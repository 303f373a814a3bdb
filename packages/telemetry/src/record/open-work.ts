import type { ExecSubject, RuntimeEvent } from "@sandglass/protocol";

/** An exec that began and has no ending in the record. */
export interface OpenExec {
  /** What `exec.completed` repeats of `exec.started`. */
  subject: ExecSubject;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startedAt: string;
}

/** A sandbox that was created and has no ending in the record, with all it takes to write one. */
export interface OpenSandbox {
  sandboxId: string;
  orgId: string;
  runId: string;
  traceId: string;
  /** Of `sandbox.create`. */
  spanId: string;
  parentSpanId: string;
  createdAt: string;
  template: string;
  execs: OpenExec[];
  /** The last sign of life of the daemon that had it, by that daemon's own clock; absent while this is not over. */
  lastSeenAt?: string;
}

/** What opening the record found. */
export interface Recovery {
  /** Bytes of a record that a crash cut short. */
  truncatedBytes: number;
  corruptRecords: number;
  /** What the last daemon left without an ending: whoever opens the record writes it. */
  openSandboxes: LostSandbox[];
}

/** An {@link OpenSandbox} whose daemon is gone. */
export type LostSandbox = OpenSandbox & Required<Pick<OpenSandbox, "lastSeenAt">>;

/** Of one sandbox, as the checkpoint keeps it. */
export interface LedgerEntry {
  sandboxId: string;
  /** Last committed. */
  seq: number;
  open?: OpenSandbox;
}

interface Entry {
  /** Last given out. */
  assigned: number;
  committed: number;
  open: OpenSandbox | undefined;
}

/** What the daemon itself says, at the moment that the event has: agents and runs may say of theirs that they were at any other. */
const SIGN_OF_LIFE = /^(host|sandbox|exec|file|port|network|resource|http)\.|^cost\.runtime$/;

/** Ended sandboxes whose `seq` is remembered: an agent's run may still report on one. */
const MAX_ENDED = 4096;

/**
 * Numbers events and knows what is open: per sandbox the last `seq`, and from `sandbox.created` to `sandbox.terminated`
 * what is needed to end it and its execs after a crash. The host's own events ("" as sandbox) are numbered too.
 */
export class OpenWork {
  readonly #entries = new Map<string, Entry>();
  #openCount = 0;
  #lastSeenAt = "";

  /** The number that the sandbox's next event gets. */
  nextSeq(sandboxId: string): number {
    return (this.#entries.get(sandboxId)?.assigned ?? 0) + 1;
  }

  /** The number is in an event that waits to be written. */
  assign(sandboxId: string, seq: number): void {
    this.#touch(sandboxId).assigned = seq;
  }

  /** The event was refused: its number is given again. Called for the newest event first. */
  unassign({ sandboxId, seq }: RuntimeEvent): void {
    this.#touch(sandboxId).assigned = seq - 1;
  }

  /** The event is in the log. */
  commit(event: RuntimeEvent): void {
    const entry = this.#touch(event.sandboxId);
    entry.committed = event.seq;
    entry.assigned = Math.max(entry.assigned, event.seq);
    if (event.type === "host.started") this.#loseOpen();
    if (SIGN_OF_LIFE.test(event.type)) this.#lastSeenAt = event.timestamp;
    this.#track(entry, event);
  }

  /** The time of the last event that says when the daemon was alive. "" where there was none. */
  get lastSeenAt(): string {
    return this.#lastSeenAt;
  }

  /** @param lastSeenAt see {@link OpenWork.lastSeenAt} */
  restoreLastSeen(lastSeenAt: string): void {
    this.#lastSeenAt = lastSeenAt;
  }

  restore({ sandboxId, seq, open }: LedgerEntry): void {
    this.#entries.set(sandboxId, { assigned: seq, committed: seq, open });
    if (open) this.#openCount += 1;
  }

  /** Everything the checkpoint needs, oldest first. */
  ledger(): LedgerEntry[] {
    return [...this.#entries].map(([sandboxId, { committed, open }]) => ({
      sandboxId,
      seq: committed,
      ...(open && { open }),
    }));
  }

  /** What no daemon has any more: asked before the one that has opened the record takes work. */
  lostSandboxes(): LostSandbox[] {
    const lastSeenAt = this.#lastSeenAt;
    return [...this.#entries.values()].flatMap(({ open }) => (open ? [{ lastSeenAt, ...open }] : []));
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** Another daemon begins, and may die before it has ended what the one before it left: what it says is no sign of that one. */
  #loseOpen(): void {
    for (const { open } of this.#entries.values()) if (open) open.lastSeenAt ??= this.#lastSeenAt;
  }

  #track(entry: Entry, event: RuntimeEvent): void {
    const { open } = entry;
    switch (event.type) {
      case "sandbox.created": {
        const { sandboxId, orgId, runId, traceId, spanId, parentSpanId, timestamp, data } = event;
        const place = { sandboxId, orgId, runId, traceId, spanId, parentSpanId };
        if (!open) this.#openCount += 1;
        entry.open = { ...place, createdAt: timestamp, template: data.template, execs: open?.execs ?? [] };
        return;
      }
      case "sandbox.terminated":
        if (open) this.#openCount -= 1;
        entry.open = undefined;
        return;
      case "exec.started": {
        const { cwd: _cwd, timeoutMs: _timeoutMs, ...subject } = event.data;
        const { traceId, spanId, parentSpanId, timestamp: startedAt } = event;
        open?.execs.push({ subject, traceId, spanId, parentSpanId, startedAt });
        return;
      }
      case "exec.completed": {
        const { execId } = event.data;
        if (open) open.execs = open.execs.filter(({ subject }) => subject.execId !== execId);
      }
    }
  }

  /** The entry, moved to the end of the line in which ended sandboxes are forgotten. */
  #touch(sandboxId: string): Entry {
    const known = this.#entries.get(sandboxId);
    if (known?.open || (known && sandboxId === "")) return known;
    const entry = known ?? { assigned: 0, committed: 0, open: undefined };
    this.#entries.delete(sandboxId);
    this.#entries.set(sandboxId, entry);
    if (this.#entries.size > this.#openCount + 2 * MAX_ENDED) this.#forgetOldest();
    return entry;
  }

  /** Half of the ended ones at a time, so that the walk past those still open is rare. */
  #forgetOldest(): void {
    let surplus = this.#entries.size - this.#openCount - MAX_ENDED;
    for (const [sandboxId, { open, assigned, committed }] of this.#entries) {
      if (surplus <= 0) return;
      if (open || sandboxId === "" || assigned !== committed) continue;
      this.#entries.delete(sandboxId);
      surplus -= 1;
    }
  }
}
