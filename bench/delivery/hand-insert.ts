/** The peer of `postgres`: the insert that one would write by hand, an array for each column, as many rows at a time. */
import { microTimestamp, newEventId } from "@sandglass/protocol";
import { Pool } from "pg";
import { answerCalls } from "../measure/answer-calls.ts";
import { type Effort, effortOf } from "../measure/effort.ts";
import { Subject } from "../measure/subject.ts";
import { execEvents } from "./exec-events.ts";

const COLUMNS = [
  ["id", "text"],
  ["seq", "bigint"],
  ["timestamp", "timestamptz"],
  ["type", "text"],
  ["level", "text"],
  ["org_id", "text"],
  ["sandbox_id", "text"],
  ["run_id", "text"],
  ["trace_id", "text"],
  ["span_id", "text"],
  ["parent_span_id", "text"],
  ["data", "jsonb"],
] as const;

export interface HandInsertOptions {
  connectionString: string;
  /** A table that the exporter made. */
  table: string;
  batchSize: number;
  concurrency: number;
}

/** Each call of it is one of the methods of {@link Host} in the other process. */
export class HandInsert implements AsyncDisposable {
  readonly #subject: Subject;

  private constructor(subject: Subject) {
    this.#subject = subject;
  }

  static async start(options: HandInsertOptions): Promise<HandInsert> {
    const subject = await Subject.start(new URL(import.meta.url));
    await subject.call("open", options);
    return new HandInsert(subject);
  }

  insert(rows: number): Promise<Effort> {
    return this.#subject.call("insert", rows);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class Host {
  #options: HandInsertOptions | undefined;
  #pool: Pool | undefined;
  #text = "";

  open(options: HandInsertOptions): void {
    const { connectionString, concurrency, table } = options;
    this.#options = options;
    this.#pool = new Pool({ connectionString, max: concurrency });
    const names = COLUMNS.map(([name]) => `"${name}"`).join(", ");
    const arrays = COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(", ");
    this.#text = `INSERT INTO ${table} (${names}) SELECT * FROM unnest(${arrays}) ON CONFLICT (id) DO NOTHING`;
  }

  insert(count: number): Promise<Effort> {
    const { batchSize, concurrency } = this.#options!;
    // Everything that the recorder adds is there before the clock runs.
    const events = execEvents(count).map((input, index) => ({
      ...input,
      id: newEventId(),
      seq: index + 1,
      timestamp: microTimestamp(),
    }));
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < count) {
        const batch = events.slice(next, next + batchSize);
        next += batchSize;
        const values = [
          batch.map(({ id }) => id),
          batch.map(({ seq }) => seq),
          batch.map(({ timestamp }) => timestamp),
          batch.map(({ type }) => type),
          batch.map(({ level }) => level),
          batch.map(({ orgId }) => orgId),
          batch.map(({ sandboxId }) => sandboxId),
          batch.map(({ runId }) => runId || null),
          batch.map(({ traceId }) => traceId),
          batch.map(({ spanId }) => spanId),
          batch.map(({ parentSpanId }) => parentSpanId || null),
          batch.map(({ data }) => JSON.stringify(data)),
        ];
        await this.#pool!.query({ name: "insert_events", text: this.#text, values });
      }
    };
    return effortOf(() => Promise.all(Array.from({ length: concurrency }, work)));
  }

  async close(): Promise<void> {
    await this.#pool?.end();
  }
}

if (import.meta.main) {
  const host = new Host();
  answerCalls(
    {
      open: (options: HandInsertOptions) => host.open(options),
      insert: (rows: number) => host.insert(rows),
    },
    () => host.close(),
  );
}
