/** A message has a word, an id and a text, each of at most 1,000 bytes: longer ones are not the helper speaking. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;

/**
 * Cuts what the helper writes into its messages: u32 length of what follows (little endian), then fields, each with a NUL behind it
 * (`send_message` in `native/helper.c`).
 */
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
