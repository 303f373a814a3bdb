import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ErasableEvents, type Erasure } from "@sandglass/telemetry";

const NEWLINE = 0x0a;
const BLANK = 0x20;

/**
 * Blanks the lines of dead letters that are about what is deleted. In their place, because whoever writes the files goes on doing so; and
 * what a line is known by goes last, so that a crash in the middle leaves a line that is found again.
 *
 * @param dir `<dataDir>/dead-letters`. Throws what the file system throws.
 * @returns how many letters
 */
export async function eraseDeadLetters(dir: string, erasure: Erasure): Promise<number> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  let letters = 0;
  for (const name of names.filter((each) => /\.jsonl(\.1)?$/.test(each))) {
    const file = await open(join(dir, name), "r+");
    try {
      letters += await eraseLines(file, erasure);
    } finally {
      await file.close();
    }
  }
  return letters;
}

async function eraseLines(file: FileHandle, erasure: Erasure): Promise<number> {
  const bytes = await file.readFile();
  const ids = [...erasure.sandboxIds, ...(erasure.runId === "" ? [] : [erasure.runId])].map((id) =>
    Buffer.from(id),
  );
  if (!ids.some((id) => bytes.includes(id))) return 0;
  const erasable = new ErasableEvents(erasure);
  let letters = 0;
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    const id = ids.find((each) => line.includes(each));
    if (id !== undefined && isErasable(line.toString("utf8"), erasable, erasure)) {
      await blank(file, { start, end }, { start: start + line.indexOf(id), length: id.length });
      letters += 1;
    }
    start = end + 1;
  }
  if (letters > 0) await file.datasync();
  return letters;
}

/** A line that a crash cut off, and that names one of the ids, is taken for one. */
function isErasable(line: string, erasable: ErasableEvents, { sandboxIds, runId }: Erasure): boolean {
  let letter: Letter;
  try {
    letter = JSON.parse(line) as Letter;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
  const about = letter.event ?? letter;
  if ("type" in about) return erasable.has(about as Parameters<ErasableEvents["has"]>[0]);
  return sandboxIds.includes(about.sandboxId ?? "") || (runId !== "" && about.runId === runId);
}

interface About {
  sandboxId?: string;
  runId?: string;
}
/** As both kinds of dead letters are written: of events and requests that exporters sent, of requests that were forwarded. */
interface Letter extends About {
  event?: About;
}

async function blank(
  file: FileHandle,
  line: { start: number; end: number },
  id: { start: number; length: number },
): Promise<void> {
  const behind = id.start + id.length;
  await fill(file, behind, line.end);
  await fill(file, line.start, id.start);
  await fill(file, id.start, behind);
}

async function fill(file: FileHandle, start: number, end: number): Promise<void> {
  const blanks = Buffer.alloc(end - start, BLANK);
  for (let done = 0; done < blanks.length; ) {
    const { bytesWritten } = await file.write(blanks, done, blanks.length - done, start + done);
    done += bytesWritten;
  }
}
