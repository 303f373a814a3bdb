import {
  Channel,
  encodeChannelFrame,
  encodeFrame,
  Frame,
  INPUT_WINDOW_BYTES,
  type InputChannel,
  type OutputChannel,
} from "./frames.ts";

/** How a process ended, as the kernel told the agent. */
export interface ProcessExit {
  /** 128 + signal number where a signal ended it. */
  code: number;
  /** 0 where it exited by itself. */
  signal: number;
  cpuMs: number;
  maxRssBytes: number;
}

export interface ProcessEvents {
  onOutput(channel: OutputChannel, bytes: Buffer): void;
  onExit(exit: ProcessExit): void;
  /** The sandbox went away under it. */
  onLost(): void;
}

/** Well below what a process starts with: a frame of credit for every line of output would cost as much as the line. */
const RESTORE_BYTES = 128 * 1024;
const SLICE_BYTES = 64 * 1024;

/**
 * One process of a sandbox, seen from the host. Input is sent within a window that opens as the process reads;
 * output comes only within the credit granted, so that a reader who stops stops the process.
 */
export class AgentProcess {
  readonly id: number;
  /** In the sandbox's own pid namespace. */
  readonly pid: number;
  #events: ProcessEvents | undefined;
  readonly #send: (frame: Buffer) => void;
  #credit = 0;
  #owed = 0;
  #controlCredit = 0;
  readonly #windows = new Map<InputChannel, { room: number; waiting: (() => void)[] }>();
  /** How it ended: code inside may kill a process that only waits for its start, before anyone listens. */
  #end: ProcessExit | "lost" | undefined;

  constructor(id: number, pid: number, send: (frame: Buffer) => void) {
    this.id = id;
    this.pid = pid;
    this.#send = send;
  }

  get events(): ProcessEvents | undefined {
    return this.#events;
  }

  /** Who listens; told at once where it has ended already. */
  set events(events: ProcessEvents | undefined) {
    this.#events = events;
    if (this.#end !== undefined) this.#tellEnd(this.#end);
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Lets the process produce `bytes` more of stdout and stderr together. */
  grant(bytes: number): void {
    if (this.isOver || bytes === 0) return;
    this.#credit += bytes;
    this.#sendCredit(Frame.credit, bytes);
  }

  /** As {@link grant}, once enough has come together: for what was taken of output that is flowing. */
  restore(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < RESTORE_BYTES) return;
    this.grant(this.#owed);
    this.#owed = 0;
  }

  /** Lets it say `bytes` more on its control channel. */
  grantControl(bytes: number): void {
    if (this.isOver || bytes === 0) return;
    this.#controlCredit += bytes;
    this.#sendCredit(Frame.answer, bytes);
  }

  /** Counts what has come against what was granted; false where the agent sent more than it may. */
  take(channel: OutputChannel, bytes: number): boolean {
    if (channel === Channel.controlOut) this.#controlCredit -= bytes;
    else this.#credit -= bytes;
    return this.#credit >= 0 && this.#controlCredit >= 0;
  }

  #sendCredit(type: number, bytes: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(bytes);
    this.#send(encodeFrame(type, this.id, payload));
  }

  signal(number: number): void {
    if (!this.isOver) this.#send(encodeFrame(Frame.signal, this.id, Uint8Array.of(number)));
  }

  /** Resolves when all of it is on its way; a process that has ended takes no more and that is no error. */
  async write(channel: InputChannel, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.isOver; ) {
      const window = this.#window(channel);
      if (window.room === 0) {
        await new Promise<void>((resolve) => window.waiting.push(resolve));
        continue;
      }
      const piece = bytes.subarray(at, at + Math.min(window.room, SLICE_BYTES));
      window.room -= piece.length;
      at += piece.length;
      this.#send(encodeChannelFrame(Frame.data, this.id, channel, piece));
    }
  }

  /** Closes an input channel behind what was written. */
  end(channel: InputChannel): void {
    if (!this.isOver) this.#send(encodeChannelFrame(Frame.end, this.id, channel));
  }

  taken(channel: number, bytes: number): void {
    if (channel !== Channel.stdin && channel !== Channel.controlIn) return;
    const window = this.#window(channel);
    window.room = Math.min(INPUT_WINDOW_BYTES, window.room + bytes);
    for (const resolve of window.waiting.splice(0)) resolve();
  }

  exited(exit: ProcessExit): void {
    this.#finish(exit);
  }

  lost(): void {
    this.#finish("lost");
  }

  /** It could not be started, which whoever starts it is told: it takes nothing more, and has no other end. */
  unstarted(): void {
    this.#release("lost");
  }

  #finish(end: ProcessExit | "lost"): void {
    if (this.isOver) return;
    this.#release(end);
    this.#tellEnd(end);
  }

  #release(end: ProcessExit | "lost"): void {
    this.#end = end;
    for (const window of this.#windows.values()) for (const resolve of window.waiting.splice(0)) resolve();
  }

  #tellEnd(end: ProcessExit | "lost"): void {
    if (end === "lost") this.#events?.onLost();
    else this.#events?.onExit(end);
  }

  #window(channel: InputChannel): { room: number; waiting: (() => void)[] } {
    let window = this.#windows.get(channel);
    if (window === undefined) {
      window = { room: INPUT_WINDOW_BYTES, waiting: [] };
      this.#windows.set(channel, window);
    }
    return window;
  }
}
