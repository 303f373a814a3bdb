import { type FileHandle, open } from "node:fs/promises";
import { BackwardLines } from "./backward-lines.ts";
import { type ParsedLetter, parseDeadLetter } from "./parse-dead-letter.ts";

/** Up to where a file is still to be read. It goes by its inode, which stays when it is put aside; 0 is none, of which nothing is to come. */
export interface LetterPlace {
  file: bigint;
  end: number;
}

interface OpenFile {
  handle: FileHandle;
  inode: bigint;
  size: number;
}

/** The dead letters of one file from its end to its beginning, then of the one that was put aside before it. */
export class DeadLetterSource implements AsyncDisposable {
  readonly #files: readonly OpenFile[];
  readonly #places: LetterPlace[];
  #lines: BackwardLines | undefined;
  #readBefore = 0;
  #next: { letter: ParsedLetter; start: number } | undefined;

  private constructor(files: readonly OpenFile[], places: LetterPlace[]) {
    this.#files = files;
    this.#places = places;
  }

  /** @param from as `place` of an earlier one; undefined begins with the latest. Throws what the file system throws. */
  static async open(path: string, from: LetterPlace | undefined): Promise<DeadLetterSource> {
    const files: OpenFile[] = [];
    // Put aside in between, it is met under both names.
    for (const each of [path, `${path}.1`]) {
      const file = await openFile(each);
      if (file === undefined) continue;
      if (files.some(({ inode }) => inode === file.inode)) await file.handle.close();
      else files.push(file);
    }
    const whole = files.map(({ inode, size }) => ({ file: inode, end: size }));
    if (from === undefined) return new DeadLetterSource(files, whole);
    // Where the file has gone meanwhile, so has what was to come.
    const at = whole.findIndex(({ file }) => file === from.file);
    const places = at === -1 ? [] : whole.slice(at);
    if (places[0] !== undefined) places[0].end = Math.min(from.end, places[0].end);
    return new DeadLetterSource(files, places);
  }

  /** Behind what was taken. */
  get place(): LetterPlace {
    return this.#places[0] ?? { file: 0n, end: 0 };
  }

  get readBytes(): number {
    return this.#readBefore + (this.#lines?.readBytes ?? 0);
  }

  /** The one that is next; undefined where there is none. */
  async peek(): Promise<ParsedLetter | undefined> {
    for (let place = this.#places[0]; place !== undefined; place = this.#places[0]) {
      if (this.#next !== undefined) return this.#next.letter;
      const file = this.#files.find(({ inode }) => inode === place.file);
      if (file === undefined) return undefined;
      this.#lines ??= new BackwardLines(file.handle, place.end);
      const line = await this.#lines.next();
      if (line !== undefined) {
        this.#next = { letter: parseDeadLetter(line.text), start: line.start };
        continue;
      }
      this.#readBefore += this.#lines.readBytes;
      this.#lines = undefined;
      this.#places.shift();
    }
    return undefined;
  }

  /** Goes past the one that is next. */
  take(): void {
    const [place] = this.#places;
    if (place !== undefined && this.#next !== undefined) place.end = this.#next.start;
    this.#next = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#files.map(({ handle }) => handle.close()));
  }
}

async function openFile(path: string): Promise<OpenFile | undefined> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  const { ino, size } = await handle.stat({ bigint: true });
  return { handle, inode: ino, size: Number(size) };
}
