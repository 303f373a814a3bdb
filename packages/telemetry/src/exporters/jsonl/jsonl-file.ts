import { type FileHandle, open, realpath } from "node:fs/promises";
import { type FileMark, sumOf, TAIL_BYTES } from "./file-mark.ts";

const NEWLINE = 0x0a;
const DEFAULT_MODE = 0o600;

/**
 * An open file of lines. A write is there whole or not at all, goes to the end wherever that is by now, and takes place on another
 * thread: a disk that hangs holds up this file and nothing else.
 */
export class JsonlFile {
  /** Absolute, links followed; where it was when it was opened. */
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly #handle: FileHandle;
  /** The last bytes before `length`. */
  #tail: Buffer = Buffer.alloc(0);
  #length: number;
  /** Set while there are bytes of a failed write behind it that could not be cut away yet. */
  #cutTo: number | undefined;
  /**
   * Set where the file may end with lines that are about to be given again. `isOurs`: we are known to have written there, so
   * that what looks like a line of ours is one.
   */
  doubt: { readonly isOurs: boolean } | undefined;
  /** The last commit was of this file. */
  isMarked = false;

  private constructor(path: string, handle: FileHandle, dev: bigint, ino: bigint, length: number) {
    this.path = path;
    this.#handle = handle;
    this.dev = dev;
    this.ino = ino;
    this.#length = length;
  }

  /** Opens the file that `path` leads to, and makes it where it is missing. Throws what the file system throws. */
  static async open(path: string, mode: number): Promise<{ file: JsonlFile; isNew: boolean }> {
    const { handle, isNew } = await openOrCreate(path, mode);
    try {
      const file = await JsonlFile.#of(path, handle);
      return { file, isNew };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Opens a file that is there; throws where it is not. */
  static async openExisting(path: string): Promise<JsonlFile> {
    const handle = await open(path, "r+");
    try {
      return await JsonlFile.#of(path, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #of(path: string, handle: FileHandle): Promise<JsonlFile> {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new Error(`${path} is no regular file`);
    const file = new JsonlFile(await realpath(path), handle, stats.dev, stats.ino, Number(stats.size));
    await file.#readTail();
    return file;
  }

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  get mark(): FileMark {
    return { path: this.path, ino: String(this.ino), length: this.#length, tail: sumOf(this.#tail) };
  }

  /** The file is the one that `mark` was taken of, with all that was in it then. */
  async holds(mark: FileMark): Promise<boolean> {
    if (mark.length === 0 || mark.length > this.#length) return false;
    return sumOf(await this.readBefore(mark.length, TAIL_BYTES)) === mark.tail;
  }

  /** The file has `size` bytes by now. Where somebody else cut it or wrote to it, our lines go on behind what is there. */
  async follow(size: number): Promise<void> {
    if (size === this.#length || this.#cutTo !== undefined) return;
    const isShorter = size < this.#length;
    this.#length = size;
    await this.#readTail();
    if (isShorter) this.isMarked = false;
    if (size > 0 && this.#tail.at(-1) !== NEWLINE) this.doubt = { isOurs: isShorter };
  }

  /** Appends the first `length` bytes of `bytes`. Where that fails half-way, what was written is cut away again. */
  async append(bytes: Buffer, length: number): Promise<void> {
    if (this.#cutTo !== undefined) await this.cut(this.#cutTo);
    let done = 0;
    try {
      while (done < length) {
        const { bytesWritten } = await this.#handle.write(bytes, done, length - done, null);
        if (bytesWritten === 0) throw new Error(`${this.path} took no more bytes`);
        done += bytesWritten;
      }
    } catch (error) {
      // Kept for the next append where it fails now.
      this.#cutTo = this.#length;
      await this.cut(this.#length);
      throw error;
    }
    this.#length += length;
    const added = bytes.subarray(Math.max(0, length - TAIL_BYTES), length);
    this.#tail = Buffer.concat([this.#tail, added]).subarray(-TAIL_BYTES);
  }

  /** Takes away what stands behind `length`; never makes the file longer. */
  async cut(length: number): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size > length) await this.#handle.truncate(length);
    this.#cutTo = undefined;
    this.#length = Math.min(size, length);
    await this.#readTail();
  }

  /** At most `maxBytes` that stand before `end`. */
  async readBefore(end: number, maxBytes: number): Promise<Buffer> {
    const start = Math.max(0, end - maxBytes);
    const bytes = Buffer.alloc(end - start);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, start + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  /** fdatasync(2). */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #readTail(): Promise<void> {
    this.#tail = await this.readBefore(this.#length, TAIL_BYTES);
  }
}

async function openOrCreate(path: string, mode: number): Promise<{ handle: FileHandle; isNew: boolean }> {
  let handle: FileHandle;
  try {
    handle = await open(path, "ax+", mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return { handle: await open(path, "a+", mode), isNew: false };
  }
  try {
    // What was asked for, whatever the umask.
    if (mode !== DEFAULT_MODE) await handle.chmod(mode);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { handle, isNew: true };
}
