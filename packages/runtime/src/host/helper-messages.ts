/** A message has three strings, each of at most 1,000 bytes: longer ones are not the helper or a minder speaking. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;

/** A message to the helper or a minder (`native/message.h`): u32 length of what follows (little endian), then fields, each with a NUL behind it. */
export function helperMessage(fields: readonly string[]): Buffer {
  const body = Buffer.from(`${fields.join("\0")}\0`);
  const head = Buffer.allocUnsafe(LENGTH_BYTES);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

/** Cuts what the helper or a minder writes into its messages. */
export class HelperMessages {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * The fields of each message that ends in this chunk.
   *
   * @throws RangeError where it is no message of the helper's; nothing behind it can be read either
   */
  push(chunk: Buffer): string[][] {
    const messages: string[][] = [];
    let data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (data.length >= LENGTH_BYTES) {
      const length = data.readUInt32LE(0);
      if (length === 0 || length > MAX_MESSAGE_BYTES)
        throw new RangeError(`the helper sent a message of ${length} bytes`);
      const end = LENGTH_BYTES + length;
      if (data.length < end) break;
      if (data[end - 1] !== 0) throw new RangeError("the helper sent a message without an end");
      messages.push(data.toString("utf8", LENGTH_BYTES, end - 1).split("\0"));
      data = data.subarray(end);
    }
    this.#rest = Buffer.from(data);
    return messages;
  }
}
