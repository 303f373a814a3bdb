import type { FileInfo } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { type AgentConnection, StartError } from "./agent/connection.ts";
import { Channel, StartFlag } from "./agent/frames.ts";
import type { AgentProcess, ProcessExit } from "./agent/process.ts";
import { fileInfoOf, malformedAnswer, RECORD_FIELDS } from "./file-record.ts";

const WINDOW_BYTES = 1024 * 1024;
const SIGTERM = 15;
const SIGKILL = 9;

/** A directory of some 200,000 entries. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** A record in front of a file's content: two paths of 4 KiB, and numbers. */
const MAX_HEAD_BYTES = WINDOW_BYTES + 64 * 1024;

class Failure extends Error {
  readonly errno: number;
  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** One of the agent's built-in file operations (`native/files.c`), streaming in or out within a window. */
export class FileOperation {
  static readonly Failure: typeof Failure = Failure;
  readonly #process: AgentProcess;
  #chunks: Buffer[] = [];
  #errors = "";
  #exit: ProcessExit | "lost" | undefined;
  #wake: () => void = () => {};

  private constructor(process: AgentProcess) {
    this.#process = process;
    process.events = {
      onOutput: (channel, bytes) => {
        if (channel === Channel.stdout) this.#chunks.push(bytes);
        else this.#errors = (this.#errors + bytes.toString("latin1")).slice(0, 32);
        this.#wake();
      },
      onExit: (exit) => {
        this.#exit = exit;
        this.#wake();
      },
      onLost: () => {
        this.#exit = "lost";
        this.#wake();
      },
    };
  }

  static async start(
    agent: AgentConnection,
    argv: readonly string[],
    options: { withStdin?: boolean } = {},
  ): Promise<FileOperation> {
    try {
      const process = await agent.fork();
      const operation = new FileOperation(process);
      process.grant(WINDOW_BYTES);
      const flags = StartFlag.builtin | (options.withStdin === true ? StartFlag.stdin : 0);
      await agent.start(process, { argv, env: {}, cwd: "/", flags, maxOpenFiles: 256 });
      return operation;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      throw new SandglassError("FILE_ERROR", `the file operation could not start: ${error.message}`, {
        hint: "the sandbox is at its limit of processes or memory; end some of what runs in it",
      });
    }
  }

  /** All output, cut at its NULs. Throws {@link Failure}. */
  async fields(): Promise<string[]> {
    const collected: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#output()) {
      collected.push(chunk);
      size += chunk.length;
      if (size <= MAX_ANSWER_BYTES) continue;
      this.#process.signal(SIGKILL);
      throw new SandglassError("FILE_ERROR", `the answer is longer than ${MAX_ANSWER_BYTES} bytes`, {
        hint: "list the directory from inside, with a command",
      });
    }
    const text = Buffer.concat(collected).toString("utf8");
    return text === "" ? [] : text.slice(0, -1).split("\0");
  }

  /** The record in front of a file's content. */
  async record(path: string): Promise<FileInfo> {
    let held: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.#next();
      if (chunk === undefined) throw malformedAnswer();
      held = Buffer.concat([held, chunk]);
      if (held.length > MAX_HEAD_BYTES) throw malformedAnswer();
      let at = -1;
      for (let found = 0; found < RECORD_FIELDS; found++) {
        at = held.indexOf(0, at + 1);
        if (at === -1) break;
      }
      if (at === -1) continue;
      const rest = held.subarray(at + 1);
      if (rest.length > 0) this.#chunks.unshift(rest);
      return fileInfoOf(held.toString("utf8", 0, at).split("\0"), path);
    }
  }

  /** Ends it; for a reader who does not want the rest. */
  abandon(): void {
    this.#process.signal(SIGKILL);
  }

  /**
   * The bytes behind the record. `onDone` runs when all of it was taken, `onEnd` once in any case, also where the reader leaves
   * before the first byte (a generator that was never begun would not notice).
   */
  content(
    sizeBytes: number,
    onDone: () => Promise<void>,
    onEnd: () => void,
  ): AsyncIterableIterator<Uint8Array> {
    let left = sizeBytes;
    let isOver = false;
    let isDone = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      this.abandon();
      onEnd();
    };
    const done = { value: undefined, done: true } as const;
    return {
      next: async () => {
        if (isOver) return done;
        try {
          const chunk = await this.#next();
          left -= chunk?.length ?? 0;
          // With the last byte, for a reader who counts asks no further; a file that shrank has its end before it.
          if ((left <= 0 || chunk === undefined) && !isDone) {
            isDone = true;
            await onDone();
          }
          if (chunk !== undefined) return { value: chunk, done: false };
        } catch (error) {
          end();
          throw error;
        }
        end();
        return done;
      },
      return: async () => {
        end();
        return done;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Streams to the operation's stdin. Where the source fails, nothing of it stays behind. */
  async feed(content: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of content) {
        await this.#process.write(Channel.stdin, chunk);
        if (this.#exit !== undefined) break; // a full disk; the answer says so
      }
    } catch (error) {
      this.#process.signal(SIGTERM);
      throw error;
    }
    this.#process.end(Channel.stdin);
  }

  async *#output(): AsyncGenerator<Buffer> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
  }

  /** Undefined at a good end. */
  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#process.grant(chunk.length);
        return chunk;
      }
      if (this.#exit === "lost")
        throw new SandglassError("SANDBOX_ENDED", "the sandbox ended during the file operation");
      if (this.#exit !== undefined) {
        if (this.#exit.code === 0) return undefined;
        throw new Failure(Number(this.#errors) || 5);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
