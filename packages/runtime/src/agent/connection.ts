import type { Socket } from "node:net";
import { getSystemErrorMap } from "node:util";
import { SandglassError } from "@sandglass/protocol";
import { AgentWatch } from "./agent-watch.ts";
import {
  AGENT_VERSION,
  Channel,
  encodeFrame,
  encodeStart,
  FAILED_CWD,
  Frame,
  FrameParser,
  type StartSpec,
} from "./frames.ts";
import { AgentProcess } from "./process.ts";

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** An agent that stands still, or was stopped from outside, is as good as none: what waits for it has to end some time. */
const SILENCE_MS = 20_000;

/** A read this long may have more behind it: the next one waits until every other socket had its turn. */
const LONG_READ_BYTES = 32 * 1024;

/** The error a caller sees when a program could not be started. */
export class StartError extends Error {
  readonly errno: string;
  constructor(errno: string, message: string) {
    super(message);
    this.name = "StartError";
    this.errno = errno;
  }
}

export function errnoName(number: number): string {
  return getSystemErrorMap().get(-number)?.[0] ?? `errno ${number}`;
}

/** The host's end of the agent's socket: starts processes and routes their bytes. Everything received is treated as hostile. */
export class AgentConnection {
  readonly #socket: Socket;
  readonly #parser: FrameParser;
  readonly #processes = new Map<number, AgentProcess>();
  readonly #forking = new Map<number, Waiter<AgentProcess>>();
  readonly #starting = new Map<number, Waiter<void>>();
  /** Whoever waits for something that only the agent can bring about says so here. */
  readonly watch: AgentWatch;
  #nextId = 1;
  #isClosed = false;
  #hello: Waiter<void> | undefined;
  /** Called once, when the agent is gone or broke the protocol; "" where it just went. */
  onClose: ((violation: string) => void) | undefined;
  #violation = "";

  /** @param silenceMs how long it may say nothing while something of it is waited for; default 20 s */
  constructor(socket: Socket, silenceMs: number = SILENCE_MS) {
    this.#socket = socket;
    this.watch = new AgentWatch({
      silenceMs,
      ask: () => this.#send(encodeFrame(Frame.ping, 0)),
      onSilent: () => this.#break(`the sandbox's agent did not answer for ${silenceMs / 1000} s`),
    });
    this.#parser = new FrameParser({
      onFrame: (type, id, payload) => this.#onFrame(type, id, payload),
      onOutput: (id, channel, bytes) => {
        if (channel !== Channel.stdout && channel !== Channel.stderr && channel !== Channel.controlOut) {
          return this.#break(`output on channel ${channel}`);
        }
        const process = this.#processes.get(id);
        if (process === undefined) return;
        if (!process.take(channel, bytes.length)) return this.#break("output without credit");
        process.events?.onOutput(channel, bytes);
      },
      onViolation: (message) => this.#break(message),
    });
    socket.on("data", (chunk: Buffer) => {
      this.watch.heard();
      if (chunk.length >= LONG_READ_BYTES) this.#takeTurns();
      this.#parser.push(chunk);
    });
    socket.on("error", () => socket.destroy()); // reported through close
    socket.on("close", () => this.#closed());
    this.#isClosed = socket.destroyed; // an agent that could not even be executed: nobody says it again
    socket.resume();
  }

  /** Resolves at the agent's greeting. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error("the agent went away before it said hello"));
      this.#hello = { resolve, reject };
    });
  }

  /** A process that waits for {@link start}; put it into its cgroup in between. */
  fork(): Promise<AgentProcess> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new SandglassError("SANDBOX_ENDED", "the sandbox has ended"));
      const id = this.#nextId++;
      this.#forking.set(id, { resolve, reject });
      this.#send(encodeFrame(Frame.fork, id));
    });
  }

  /** Rejects with {@link StartError} where the program cannot be executed. */
  start(process: AgentProcess, spec: StartSpec): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new SandglassError("SANDBOX_ENDED", "the sandbox has ended"));
      if (process.isOver) return resolve(); // and whoever listens to it knows
      const frame = encodeStart(process.id, spec);
      this.#starting.set(process.id, { resolve, reject });
      this.#send(frame);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** One socket is read up to 32 times in a row (libuv): a sandbox that floods would hold up what all others have to say. */
  #takeTurns(): void {
    this.#socket.pause();
    setImmediate(() => this.#socket.resume());
  }

  #send(frame: Buffer): void {
    if (!this.#isClosed) this.#socket.write(frame);
  }

  #break(message: string): void {
    this.#violation ||= message;
    this.#parser.stop();
    this.#socket.destroy();
  }

  #onFrame(type: number, id: number, payload: Buffer): void {
    switch (type) {
      case Frame.hello:
        if (payload.length !== 4 || payload.readUInt32LE(0) !== AGENT_VERSION)
          return this.#break("the agent's version is not ours");
        this.#hello?.resolve();
        this.#hello = undefined;
        return;
      case Frame.forked: {
        const waiter = this.#forking.get(id);
        if (waiter === undefined || payload.length !== 4) return this.#break("an answer nobody asked for");
        this.#forking.delete(id);
        const process = new AgentProcess(id, payload.readUInt32LE(0), (frame) => this.#send(frame));
        this.#processes.set(id, process);
        return waiter.resolve(process);
      }
      case Frame.started:
        this.#starting.get(id)?.resolve();
        this.#starting.delete(id);
        return;
      case Frame.failed:
        if (payload.length !== 4) return this.#break("a malformed failure");
        return this.#failed(id, payload.readUInt32LE(0));
      case Frame.exited: {
        const process = this.#processes.get(id);
        if (process === undefined || payload.length !== 32) return this.#break("an exit of no process");
        const maxRssBytes = Number(payload.readBigUInt64LE(24)) * 1024;
        // It would be recorded, and is more than those who read the record can count.
        if (!Number.isSafeInteger(maxRssBytes)) return this.#break("more memory than there is");
        this.#processes.delete(id);
        this.#starting.get(id)?.resolve(); // killed before it could be started: its end says so
        this.#starting.delete(id);
        const signal = payload.readUInt32LE(4) & 0x7f;
        return process.exited({
          // Of what a signal ended it says nothing that the signal does not.
          code: signal === 0 ? payload.readUInt32LE(0) & 0xff : 128 + signal,
          signal,
          cpuMs: Number(payload.readBigUInt64LE(8) + payload.readBigUInt64LE(16)) / 1000,
          maxRssBytes,
        });
      }
      case Frame.taken:
        if (payload.length !== 5) return this.#break("a malformed window");
        return this.#processes.get(id)?.taken(payload[0] as number, payload.readUInt32LE(1));
      case Frame.pong:
        return; // that it came is all it says
      default:
        return this.#break(`a frame of type ${type}`);
    }
  }

  #failed(id: number, number: number): void {
    const errno = errnoName(number & (FAILED_CWD - 1));
    const fork = this.#forking.get(id);
    // Of one that runs it would be an end that nobody hears of.
    if (this.#processes.has(id) && !this.#starting.has(id))
      return this.#break("a failure of what has started");
    fork?.reject(
      new StartError(errno, `no process can be made (${errno}): the limit of processes or memory is reached`),
    );
    this.#forking.delete(id);
    const isCwd = (number & FAILED_CWD) !== 0;
    this.#starting
      .get(id)
      ?.reject(new StartError(errno, isCwd ? `cannot enter the working directory (${errno})` : errno));
    this.#starting.delete(id);
    this.#processes.get(id)?.unstarted();
    this.#processes.delete(id);
  }

  #closed(): void {
    this.#isClosed = true;
    this.watch.close();
    const error = new SandglassError("SANDBOX_ENDED", "the sandbox has ended");
    this.#hello?.reject(new Error(this.#violation || "the agent went away before it said hello"));
    for (const waiter of this.#forking.values()) waiter.reject(error);
    for (const waiter of this.#starting.values()) waiter.reject(error);
    this.#forking.clear();
    this.#starting.clear();
    const processes = [...this.#processes.values()];
    this.#processes.clear();
    this.onClose?.(this.#violation); // first: it says why the processes are lost
    for (const process of processes) process.lost();
  }
}
