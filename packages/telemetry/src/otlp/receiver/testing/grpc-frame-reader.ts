const HEAD_BYTES = 9;

export interface ReceivedFrame {
  type: number;
  flags: number;
  streamId: number;
  payload: Buffer;
}

/** Cuts what comes over a connection of HTTP/2 into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns those that are complete with these bytes */
  push(bytes: Buffer): ReceivedFrame[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: ReceivedFrame[] = [];
    let at = 0;
    while (at + HEAD_BYTES <= all.length) {
      const end = at + HEAD_BYTES + all.readUIntBE(at, 3);
      if (end > all.length) break;
      const streamId = all.readUInt32BE(at + 5) & 0x7fff_ffff;
      frames.push({
        type: all[at + 3]!,
        flags: all[at + 4]!,
        streamId,
        payload: all.subarray(at + HEAD_BYTES, end),
      });
      at = end;
    }
    this.#rest = all.subarray(at);
    return frames;
  }
}
