import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { writePrivateFile } from "../write-private-file.ts";

/** A deletion that was begun: all that is needed to bring it to its end. Ids, and nothing of what is deleted. */
export interface DeletionEntry {
  /** "del_" and the time it was asked for. */
  id: string;
  orgId: string;
  sandboxIds: string[];
  /** "" where single sandboxes are deleted. */
  runId: string;
  /** Made for the run, and not its alone: they stay. */
  shared: string[];
  /** The organisation was known to have had the sandboxes. */
  isOwn: boolean;
  /** Of the key that asked; "" where a program did. */
  keyId: string;
}

const VERSION = 1;
const SUFFIX = ".json";

/** `<dataDir>/deletions`: a file for each deletion that is not done, from before its first step until after its last. */
export class DeletionJournal {
  readonly #dir: string;

  constructor(dataDir: string) {
    this.#dir = join(dataDir, "deletions");
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
  }

  /** Oldest first. Throws SyntaxError where a file cannot be understood: what is to be deleted must not be forgotten. */
  pending(): DeletionEntry[] {
    return readdirSync(this.#dir)
      .filter((name) => name.endsWith(SUFFIX))
      .sort()
      .map((name) => parse(join(this.#dir, name)));
  }

  /** Resolves when it is on disk, its name too. */
  async begin(entry: DeletionEntry): Promise<void> {
    await writePrivateFile(this.#path(entry), JSON.stringify({ version: VERSION, ...entry }));
    await this.#sync();
  }

  async end(entry: DeletionEntry): Promise<void> {
    await rm(this.#path(entry), { force: true });
    await this.#sync();
  }

  #path({ id }: DeletionEntry): string {
    return join(this.#dir, `${id}${SUFFIX}`);
  }

  async #sync(): Promise<void> {
    const directory = await open(this.#dir, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

function parse(path: string): DeletionEntry {
  const { version, ...entry } = JSON.parse(readFileSync(path, "utf8")) as DeletionEntry & { version: number };
  if (version !== VERSION || !Array.isArray(entry.sandboxIds))
    throw new SyntaxError(`${path} is no deletion of this version`);
  return entry;
}
