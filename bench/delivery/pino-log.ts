/** The peer of `jsonl`: pino to a file, told the same fields, so that its lines are ours but for the order of the keys. */
import { setImmediate as turn } from "node:timers/promises";
import { microTimestamp, newEventId } from "@sandglass/protocol";
import pino from "pino";
import { answerCalls } from "../measure/answer-calls.ts";
import { type Effort, effortOf } from "../measure/effort.ts";
import { Subject } from "../measure/subject.ts";
import { execEvents } from "./exec-events.ts";

/** So many lines until others get a turn: without one, a destination that writes later would keep all of it in memory. */
const TURN_EVERY = 1000;

export interface PinoOptions {
  file: string;
  /** Writes each line before the call returns. */
  sync: boolean;
  /** Bytes gathered until they are written. */
  minLength: number;
}

/** Each call of it is one of the methods of {@link Host} in the other process. */
export class PinoLog implements AsyncDisposable {
  readonly #subject: Subject;

  private constructor(subject: Subject) {
    this.#subject = subject;
  }

  static async start(options: PinoOptions, core?: number): Promise<PinoLog> {
    const subject = await Subject.start(new URL(import.meta.url), core);
    await subject.call("open", options);
    return new PinoLog(subject);
  }

  /** Writes so many lines, and is over when they are in the file. */
  write(lines: number): Promise<Effort> {
    return this.#subject.call("write", lines);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class Host {
  #destination: ReturnType<typeof pino.destination> | undefined;
  #logger: pino.Logger | undefined;

  open({ file, sync, minLength }: PinoOptions): void {
    this.#destination = pino.destination({ dest: file, sync, minLength });
    this.#logger = pino(
      {
        base: null,
        // Both are among the fields of an event.
        timestamp: false,
        formatters: { level: (level) => ({ level }) },
      },
      this.#destination,
    );
  }

  write(count: number): Promise<Effort> {
    const logger = this.#logger!;
    // Everything that the recorder adds is there before the clock runs.
    const records = execEvents(count).map(({ level: _, ...input }, seq) => ({
      id: newEventId(),
      seq,
      timestamp: microTimestamp(),
      ...input,
    }));
    return effortOf(async () => {
      for (let index = 0; index < count; index++) {
        logger.info(records[index]);
        if (index % TURN_EVERY === TURN_EVERY - 1) await turn();
      }
      await this.#flush();
    });
  }

  async close(): Promise<void> {
    await this.#flush();
    this.#destination?.end();
  }

  #flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#destination!.flush((error) => (error ? reject(error) : resolve()));
    });
  }
}

if (import.meta.main) {
  const host = new Host();
  answerCalls(
    {
      open: (options: PinoOptions) => host.open(options),
      write: (lines: number) => host.write(lines),
    },
    () => host.close(),
  );
}
