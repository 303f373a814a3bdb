import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { AgentConnection, StartError } from "../../../packages/runtime/src/agent/connection.ts";
import { encodeChannelFrame, encodeFrame, Frame } from "../../../packages/runtime/src/agent/frames.ts";
import type { AgentProcess } from "../../../packages/runtime/src/agent/process.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

/** What an input has the host do in between; any other byte says how many of the agent's bytes follow. */
const Act = {
  fork: 0xf0,
  start: 0xf1,
  grant: 0xf2,
  control: 0xf3,
  write: 0xf4,
  end: 0xf5,
  signal: 0xf6,
} as const;
const SPEC = { argv: ["true"], env: {}, cwd: "/", flags: 0, maxOpenFiles: 64 };
const CREDIT = 100;

/** As much of a socket as the connection uses, without a kernel in between: what is said is heard at once. */
class HeardSocket extends EventEmitter {
  destroyed = false;
  write(): boolean {
    return true;
  }
  pause(): void {}
  resume(): void {}
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }
}

/** A host at work with an agent that says what it likes. */
class Conversation {
  readonly socket = new HeardSocket();
  readonly agent = new AgentConnection(this.socket as unknown as Socket);
  readonly processes: (AgentProcess | undefined)[] = [];
  /** Of every promise that the host was given, how it came out. */
  readonly settled: string[] = [];
  asked = 0;
  granted = 0;
  grantedControl = 0;
  /** Of every process how often it ended. */
  readonly ends: number[] = [];
  violation: string | undefined;
  readonly #started = new Set<number>();

  constructor() {
    this.agent.onClose = (violation) => {
      assert.equal(this.violation, undefined, "closed twice");
      this.violation = violation;
    };
  }

  await(promise: Promise<unknown>, name: string): void {
    this.asked++;
    promise.then(
      () => this.settled.push(`${name} done`),
      (error: unknown) => {
        assert.ok(error instanceof Error);
        this.settled.push(`${name} failed`);
      },
    );
  }

  act(kind: number): void {
    const process = this.processes.at(-1);
    if (kind === Act.fork)
      this.await(
        this.agent.fork().then((made) => this.#listen(made)),
        "fork",
      );
    else if (process === undefined || kind < Act.fork) return;
    else if (kind === Act.start) this.#start(process);
    else if (kind === Act.grant) process.grant(CREDIT);
    else if (kind === Act.control) process.grantControl(CREDIT);
    else if (kind === Act.write) this.await(process.write(0, Buffer.alloc(200_000)), "write");
    else if (kind === Act.end) process.end(0);
    else process.signal(9);
    if (kind === Act.grant && process?.isOver === false) this.granted += CREDIT;
    if (kind === Act.control && process?.isOver === false) this.grantedControl += CREDIT;
  }

  /** What could not be started has no other end than that. */
  #start(process: AgentProcess): void {
    const number = this.processes.indexOf(process);
    if (this.#started.has(number)) return;
    this.#started.add(number);
    const failed = (error: unknown): never => {
      if (error instanceof StartError) {
        this.ends[number]!++;
        this.processes.splice(number, 1, undefined); // nobody has more to do with it
      }
      throw error;
    };
    this.await(this.agent.start(process, SPEC).catch(failed), "start");
  }

  #listen(process: AgentProcess): void {
    const number = this.processes.push(process) - 1;
    this.ends[number] = 0;
    process.events = {
      onOutput: (channel, bytes) => {
        assert.equal(this.ends[number], 0, "output behind its end");
        if (channel === 4) this.grantedControl -= bytes.length;
        else this.granted -= bytes.length;
        assert.ok(this.granted >= 0 && this.grantedControl >= 0, "more than it had credit for");
      },
      onExit: ({ code, signal, cpuMs, maxRssBytes }) => {
        this.ends[number]!++;
        assert.ok(code >= 0 && code < 256 && signal >= 0 && signal < 128);
        assert.ok(signal === 0 || code === 128 + signal, `code ${code} of signal ${signal}`);
        assert.ok(Number.isFinite(cpuMs) && cpuMs >= 0, `${cpuMs} ms`);
        assert.ok(Number.isSafeInteger(maxRssBytes), `${maxRssBytes} bytes`);
      },
      onLost: () => this.ends[number]!++,
    };
  }
}

/** Promises that are settled are told in a few turns of the queue of microtasks. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await undefined;
}

const u32 = (...numbers: number[]): Buffer => Buffer.from(Uint32Array.from(numbers).buffer);
const said = (frame: Buffer): Buffer => Buffer.concat([Buffer.of(frame.length), frame]);
const FORKED = said(encodeFrame(Frame.forked, 1, u32(42)));
const STARTED = said(encodeFrame(Frame.started, 1));
const OUTPUT = said(encodeChannelFrame(Frame.output, 1, 1, Buffer.from("hello")));
const EXITED = said(encodeFrame(Frame.exited, 1, Buffer.alloc(32, 1)));

const FAILED = said(encodeFrame(Frame.failed, 1, u32(2)));
const BEGUN = [Buffer.of(Act.fork), FORKED, Buffer.of(Act.start), STARTED];

/** The host's end of the agent's socket, with the host at work in between. */
export const agentConnection: FuzzTarget = {
  name: "agent-connection",
  watched: ["/runtime/src/agent/"],
  words: [
    ...Object.values(Act).map((act) => Buffer.of(act)),
    ...[FORKED, STARTED, OUTPUT, EXITED],
    ...[2, 3].map((id) => said(encodeFrame(Frame.forked, id, u32(43)))),
    FAILED,
    said(encodeFrame(Frame.failed, 1, u32(0x10002))),
    said(encodeFrame(Frame.taken, 1, Buffer.of(0, 0, 0, 4, 0))),
    said(encodeFrame(Frame.hello, 0, u32(2))),
    said(encodeFrame(Frame.pong, 0)),
    said(encodeChannelFrame(Frame.output, 1, 4, Buffer.alloc(50))),
  ],
  seeds: [
    Buffer.concat([
      ...BEGUN,
      Buffer.of(Act.grant),
      OUTPUT,
      said(encodeFrame(Frame.exited, 1, Buffer.alloc(32))),
    ]),
    // Found, and mended: more memory than there is, and a failure of what runs.
    Buffer.concat([...BEGUN, EXITED]),
    Buffer.concat([...BEGUN, FAILED]),
  ],
  async check(input) {
    const talk = new Conversation();
    for (let at = 0; at < input.length; ) {
      const first = input[at++] as number;
      const size = first >= Act.fork ? 0 : first;
      if (size === 0) talk.act(first);
      else if (!talk.socket.destroyed) talk.socket.emit("data", input.subarray(at, at + size));
      at += size;
      await settle();
    }
    talk.agent.close();
    await settle();
    assert.equal(talk.settled.length, talk.asked, "somebody waits for ever");
    for (const ends of talk.ends) assert.equal(ends, 1, "a process has not one end");
    assert.ok(talk.violation !== undefined, "nobody was told that it closed");
    return talk.violation.replaceAll(/\d+/g, "N");
  },
};
