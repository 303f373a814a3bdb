import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DestinationSettings } from "./destination-settings.ts";

const VERSION = 1;
const NAME = /^(dst_[0-9a-f]{32})\.json$/;
const KEY = "key";

/** What a destination's file holds. */
export interface DestinationRecord {
  readonly id: string;
  readonly orgId: string;
  readonly settings: DestinationSettings;
  /** Set once no sandbox uses it: when the last one ended (Unix time in milliseconds), and the last position of the log that is for it. */
  ended?: { at: number; position: number } | undefined;
}

/** A directory for the owner of this process alone, with a file for each destination. */
export class DestinationFiles {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // The mode above counts only where it is new.
    chmodSync(dir, 0o700);
  }

  /** What ids are made with: without it nobody can try whether an endpoint or a token is behind one. */
  async key(): Promise<Buffer> {
    try {
      const key = readFileSync(join(this.#dir, KEY));
      if (key.length === 32) return key;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const key = randomBytes(32);
    await this.#replace(KEY, key);
    return key;
  }

  /** @param onDamage told of what holds no destination, or cannot be read; it is left as it is, and the others are read */
  async readAll(onDamage: (file: string, problem: string) => void): Promise<DestinationRecord[]> {
    const records: DestinationRecord[] = [];
    for (const file of readdirSync(this.#dir)) {
      // Of a write that a crash cut short: it holds secrets and nobody would look at it again.
      try {
        if (file.endsWith(".tmp")) await rm(join(this.#dir, file), { force: true });
        const [, id] = NAME.exec(file) ?? [];
        if (id === undefined) continue;
        const record = parse(readFileSync(join(this.#dir, file), "utf8"));
        if (record?.id === id) records.push(record);
        else onDamage(join(this.#dir, file), "holds no destination of this version");
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === undefined) throw error;
        onDamage(join(this.#dir, file), `cannot be read (${code})`);
      }
    }
    return records;
  }

  /** Resolves when it is on disk, and its name too. */
  write(record: DestinationRecord): Promise<void> {
    return this.#replace(`${record.id}.json`, JSON.stringify({ version: VERSION, ...record }));
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.#dir, `${id}.json`), { force: true });
    await this.#syncDirectory();
  }

  async #replace(name: string, content: string | Buffer): Promise<void> {
    const path = join(this.#dir, name);
    const temporary = `${path}.tmp`;
    try {
      const file = await open(temporary, "w", 0o600);
      try {
        await file.chmod(0o600);
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await this.#syncDirectory();
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#dir, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** Undefined for what another version wrote, or nobody. */
function parse(text: string): DestinationRecord | undefined {
  try {
    const { version, ...record } = JSON.parse(text) as DestinationRecord & { version: number };
    const isWhole = typeof record.settings?.signals === "object" && typeof record.orgId === "string";
    return version === VERSION && isWhole ? record : undefined;
  } catch (error) {
    // What the parser says of it would quote it.
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
