import type { RecordedEvent } from "./recorded-event.ts";

/** Begin a span, and are recorded before anything below it is. */
const OPENINGS = new Set(["exec.started", "sandbox.created", "run.started"]);
/** Are a span, and may be recorded behind what is below it. */
const WHOLE = new Set(["http.request", "agent.started"]);
/** What a caller says: its parent may be a span of the caller's own, which nobody records here. */
const CALLERS_WORD = /^(http\.request|agent\..*|cost\.llm|run\.completed)$/;

/** How a record may lack the parents of some events. */
export interface MissingParents {
  /** Of the host's own events: each may have been the parent of others. */
  deletedOfHost: number;
  /** The log lost its beginning to its limits. */
  hasStart: boolean;
  /** Requests that a crash may have taken from one life, at most: they are recorded when they end. */
  requestsAtOnce: number;
}

interface Unresolved {
  said: string;
  /** Of the first event that named it. */
  life: number;
}

/** Holds every event against the span that it names as its parent. Sentences go to `say`. */
export class Spans {
  readonly #say: (sentence: string) => void;
  /** By span: the trace that it is of. */
  readonly #known = new Map<string, string>();
  /** Parents that nothing has said yet, by trace and span. */
  readonly #unresolved = new Map<string, Unresolved>();
  /** Parents that were named before anything said them. */
  readonly #namedBefore = new Set<string>();
  /** Lives of the daemon that ended by its word. Only what was under way at a crash was never recorded. */
  readonly #stopped = new Set<number>();
  #life = 0;

  constructor(say: (sentence: string) => void) {
    this.#say = say;
  }

  take({ type, id, traceId, spanId, parentSpanId }: RecordedEvent): void {
    if (type === "host.started") this.#life += 1;
    if (type === "host.stopped") this.#stopped.add(this.#life);
    if (OPENINGS.has(type) && this.#namedBefore.has(spanId))
      this.#say(`${type} ${id} comes behind a child of its span ${spanId}`);
    if (OPENINGS.has(type) || WHOLE.has(type)) {
      this.#known.set(spanId, traceId);
      this.#unresolved.delete(`${traceId} ${spanId}`);
    }
    if (parentSpanId === "") return;
    const trace = this.#known.get(parentSpanId);
    if (trace !== undefined && trace !== traceId)
      this.#say(`${type} ${id} is of another trace than its parent`);
    if (trace !== undefined) return;
    this.#namedBefore.add(parentSpanId);
    const key = `${traceId} ${parentSpanId}`;
    if (CALLERS_WORD.test(type) || this.#unresolved.has(key)) return;
    const said = `${type} ${id} has the parent ${parentSpanId}, which is not in the record`;
    this.#unresolved.set(key, { said, life: this.#life });
  }

  /** Says which parents were never recorded, where nothing explains it. */
  finish({ deletedOfHost, hasStart, requestsAtOnce }: MissingParents): void {
    if (!hasStart) return;
    const unexplained: string[] = [];
    const lost = new Map<number, number>();
    for (const { said, life } of this.#unresolved.values()) {
      const count = (lost.get(life) ?? 0) + 1;
      lost.set(life, count);
      if (this.#stopped.has(life) || count > requestsAtOnce) unexplained.push(said);
    }
    for (const said of unexplained.slice(deletedOfHost)) this.#say(said);
  }
}
