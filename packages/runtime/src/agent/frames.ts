/**
 * Frames between the host and the agent, both ways: u32 length of what follows (little endian), u8 type, u32 process id
 * (the host's choice), payload. `native/agent.h` holds the same table.
 */
export const Frame = {
  fork: 1,
  start: 2,
  data: 3,
  end: 4,
  credit: 5,
  signal: 6,
  answer: 7,
  ping: 8,
  hello: 64,
  forked: 65,
  started: 66,
  failed: 67,
  output: 68,
  exited: 69,
  taken: 70,
  pong: 71,
} as const;

export const Channel = { stdin: 0, stdout: 1, stderr: 2, controlIn: 3, controlOut: 4 } as const;
export type OutputChannel = 1 | 2 | 4;
export type InputChannel = 0 | 3;

export const StartFlag = { stdin: 1, control: 2, builtin: 4 } as const;

export const AGENT_VERSION = 2;
export const HEADER_BYTES = 9;
export const MAX_FRAME_BYTES = 1024 * 1024;
/** What may be under way to one input channel of a process before the agent says that it was taken. */
export const INPUT_WINDOW_BYTES = 256 * 1024;
/** Added to errno in `failed` where the working directory could not be entered. */
export const FAILED_CWD = 0x10000;

export function encodeFrame(type: number, processId: number, payload?: Uint8Array): Buffer {
  const size = payload?.length ?? 0;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + size);
  frame.writeUInt32LE(HEADER_BYTES - 4 + size, 0);
  frame[4] = type;
  frame.writeUInt32LE(processId, 5);
  if (payload !== undefined) frame.set(payload, HEADER_BYTES);
  return frame;
}

/** A frame whose payload is one channel byte and `bytes`. */
export function encodeChannelFrame(
  type: number,
  processId: number,
  channel: number,
  bytes?: Uint8Array,
): Buffer {
  const size = 1 + (bytes?.length ?? 0);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + size);
  frame.writeUInt32LE(HEADER_BYTES - 4 + size, 0);
  frame[4] = type;
  frame.writeUInt32LE(processId, 5);
  frame[9] = channel;
  if (bytes !== undefined) frame.set(bytes, HEADER_BYTES + 1);
  return frame;
}

export interface StartSpec {
  argv: readonly string[];
  env: Record<string, string>;
  cwd: string;
  flags: number;
  maxOpenFiles: number;
}

/** Throws RangeError where argv and environment do not fit one frame. */
export function encodeStart(processId: number, spec: StartSpec): Buffer {
  const env = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`);
  const strings = Buffer.from(`${[spec.cwd, ...spec.argv, ...env].join("\0")}\0`);
  const payload = Buffer.allocUnsafe(16 + strings.length);
  payload.writeUInt32LE(spec.flags, 0);
  payload.writeUInt32LE(spec.maxOpenFiles, 4);
  payload.writeUInt32LE(spec.argv.length, 8);
  payload.writeUInt32LE(env.length, 12);
  strings.copy(payload, 16);
  if (payload.length > MAX_FRAME_BYTES - 64) {
    throw new RangeError(
      `arguments and environment take ${strings.length} bytes; at most ${MAX_FRAME_BYTES - 80} fit`,
    );
  }
  return encodeFrame(Frame.start, processId, payload);
}

export interface FrameSink {
  /** A whole frame other than output. `payload` is valid during the call only. */
  onFrame(type: number, processId: number, payload: Buffer): void;
  /** A piece of output as it came; a frame may arrive in several. The bytes may be kept. */
  onOutput(processId: number, channel: number, bytes: Buffer): void;
  /** The peer broke the protocol: nothing more is parsed. */
  onViolation(message: string): void;
}

/** The longest frame an agent sends that is not output: an exit. */
const MAX_MESSAGE_BYTES = HEADER_BYTES - 4 + 32;

/** Cuts a byte stream into frames. Output is passed on without being collected first; everything is treated as hostile. */
export class FrameParser {
  readonly #sink: FrameSink;
  #rest: Buffer = Buffer.alloc(0);
  #outputLeft = 0;
  #outputProcess = 0;
  #outputChannel = 0;
  #isBroken = false;
  /** Pieces of one process and channel that came together: a program that writes byte by byte must not cost a call each. */
  #pieces: Buffer[] = [];
  #piecesProcess = 0;
  #piecesChannel = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Nothing more is parsed, also of what is being parsed now. */
  stop(): void {
    this.#isBroken = true;
  }

  push(chunk: Buffer): void {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const end = this.#parse(data);
    this.#deliver();
    this.#rest = end < data.length && !this.#isBroken ? Buffer.from(data.subarray(end)) : Buffer.alloc(0);
  }

  /** Returns where the first incomplete frame begins. */
  #parse(data: Buffer): number {
    let at = 0;
    while (at < data.length && !this.#isBroken) {
      const left = data.length - at;
      if (this.#outputLeft > 0) {
        const size = Math.min(left, this.#outputLeft);
        this.#collect(data.subarray(at, at + size));
        this.#outputLeft -= size;
        at += size;
        continue;
      }
      if (left < HEADER_BYTES) return at;
      const length = data.readUInt32LE(at);
      const type = data[at + 4] as number;
      const isOutput = type === Frame.output && length > HEADER_BYTES - 4;
      const maximum = isOutput ? MAX_FRAME_BYTES : MAX_MESSAGE_BYTES;
      if (length < HEADER_BYTES - 4 || length > maximum || type < Frame.hello || type > Frame.pong) {
        this.#deliver();
        if (this.#isBroken) return at; // by what was just delivered
        this.#isBroken = true;
        this.#sink.onViolation(`the agent sent a frame of type ${type} and length ${length}`);
        return at;
      }
      const processId = data.readUInt32LE(at + 5);
      if (isOutput) {
        if (left === HEADER_BYTES) return at; // its channel is still to come
        this.#outputProcess = processId;
        this.#outputChannel = data[at + HEADER_BYTES] as number;
        this.#outputLeft = length - (HEADER_BYTES - 4) - 1;
        at += HEADER_BYTES + 1;
        continue;
      }
      if (left < length + 4) return at;
      this.#deliver();
      this.#sink.onFrame(type, processId, data.subarray(at + HEADER_BYTES, at + length + 4));
      at += length + 4;
    }
    return at;
  }

  #collect(bytes: Buffer): void {
    if (this.#piecesProcess !== this.#outputProcess || this.#piecesChannel !== this.#outputChannel)
      this.#deliver();
    this.#piecesProcess = this.#outputProcess;
    this.#piecesChannel = this.#outputChannel;
    this.#pieces.push(bytes);
  }

  #deliver(): void {
    const [first] = this.#pieces;
    if (first === undefined || this.#isBroken) return;
    const bytes = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#sink.onOutput(this.#piecesProcess, this.#piecesChannel, bytes);
  }
}
