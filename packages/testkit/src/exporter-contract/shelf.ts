import type { RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch, ExporterDefinition, ExportResult } from "@sandglass/telemetry";
import { type ExporterHarness, type ExporterUnderTest, NO_FILES, NO_NETWORK } from "./subject.ts";

export const SHELF_TOKEN = "shelf-token-4711";
/** What the shelf does with a batch when it is not well; undefined puts it there. */
type Mood = (events: readonly RuntimeEvent[]) => Promise<ExportResult> | ExportResult | undefined;

/** A destination without any network or file: what the suite itself is tried with. */
export class Shelf {
  readonly events: RuntimeEvent[] = [];
  readonly attempts: number[] = [];
  mood: Mood | undefined;

  async put(batch: EventBatch): Promise<ExportResult> {
    this.attempts.push(performance.now());
    const events = batch.events.map(({ event }) => event);
    const answer = await this.mood?.(events);
    if (answer === undefined || answer.status === "ok") {
      const refused =
        answer?.rejected?.map((rejection) => ("index" in rejection ? rejection.index : -1)) ?? [];
      this.events.push(...events.filter((_, index) => !refused.includes(index)));
    }
    return answer ?? { status: "ok" };
  }
}

/** How an exporter puts a batch on the shelf; the right way is `(shelf, batch) => shelf.put(batch)`. */
export type PutOnShelf = (shelf: Shelf, batch: EventBatch) => Promise<ExportResult>;

/** An exporter to a shelf of its own for each test, that does it this way. */
export function shelfSubject(put: PutOnShelf): ExporterUnderTest {
  const { retryAfter: _, partialSuccess: __, ...excused } = NO_NETWORK;
  return {
    guarantees: { exactlyOnce: false, order: "total" },
    excused: { ...excused, ...NO_FILES },
    start: async () => shelfHarness(new Shelf(), put),
  };
}

function shelfHarness(shelf: Shelf, put: PutOnShelf): ExporterHarness {
  const feel = async (mood: Mood): Promise<{ end(): Promise<void> }> => {
    shelf.mood = mood;
    return {
      async end() {
        shelf.mood = undefined;
      },
    };
  };
  const holds = (marker: string) => (event: RuntimeEvent) => JSON.stringify(event).includes(marker);
  return {
    definition: definitionOf(shelf, put),
    config: () => ({}),
    secrets: [SHELF_TOKEN],
    received: async () => shelf.events.map((event) => ({ ...event, event })),
    close: async () => undefined,
    faults: {
      unavailable: () => feel(() => ({ status: "retry", reason: `503 for ${SHELF_TOKEN}` })),
      hang: () => feel(() => new Promise(() => undefined)),
      async retryAfter() {
        let answeredAt: number | undefined;
        const fault = await feel(() => {
          answeredAt ??= performance.now();
          return { status: "retry", reason: "429", afterMs: 200 };
        });
        return { ...fault, afterMs: 200, answeredAt: () => answeredAt, attempts: () => shelf.attempts };
      },
      async poison(marker) {
        const refuse: Mood = (events) =>
          events.some(holds(marker)) ? { status: "fail", reason: "400 bad event" } : undefined;
        return { ...(await feel(refuse)), says: /400 bad event/ };
      },
      async partialSuccess(marker) {
        const refuse: Mood = (events) => {
          const index = events.findIndex(holds(marker));
          return index === -1 ? undefined : { status: "ok", rejected: [{ index, reason: "bad event" }] };
        };
        return { ...(await feel(refuse)), says: /bad event/ };
      },
    },
  };
}

function definitionOf(shelf: Shelf, put: PutOnShelf): ExporterDefinition {
  return {
    provider: "shelf",
    schema: {
      safeParse: (data: unknown) => ({ success: true, data }),
    } as unknown as ExporterDefinition["schema"],
    prepare: () => ({
      destination: "a shelf",
      secrets: [SHELF_TOKEN],
      traits: {
        order: "total",
        concurrency: 1,
        batchSize: 20,
        batchBytes: 64 * 1024,
        flushIntervalMs: 10,
        maxQueueSize: 100,
        timeoutMs: 100,
      },
      open: async () => ({ export: (batch) => put(shelf, batch), shutdown: async () => undefined }),
    }),
  };
}
