import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readIfThere } from "./collector-process.ts";

/** No file of the daemon's own gets that large here. */
const DISK_BYTES = 128 * 1024 * 1024;

/** Values that must not be seen, by what they are of. */
export class Secrets<Name extends string> {
  readonly #values: Readonly<Record<Name, string>>;

  constructor(names: readonly Name[]) {
    this.#values = Object.fromEntries(names.map((name) => [name, randomBytes(16).toString("hex")])) as Record<
      Name,
      string
    >;
  }

  of(name: Name): string {
    return this.#values[name];
  }

  get names(): Name[] {
    return Object.keys(this.#values) as Name[];
  }

  /** For `attacks/search.py`. */
  get pieces(): string[] {
    return this.names.flatMap((name) => [this.of(name).slice(0, 1), this.of(name).slice(1)]);
  }

  /** The names of those that are in there, as they are, or as the password of `user` in a header. */
  in(text: string): Name[] {
    return this.names.filter((name) => {
      const value = this.of(name);
      const encoded = Buffer.from(`user:${value}`).toString("base64").slice(0, -4);
      return text.includes(value) || text.includes(encoded);
    });
  }

  /** Files below a directory that have one in them: `path: names`. */
  filesBelow(directory: string): Record<string, Name[]> {
    const found: Record<string, Name[]> = {};
    for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
      const whole = join(directory, path);
      if (!isSearched(whole)) continue;
      const names = this.in(`${path}\n${readFileSync(whole, "latin1")}`);
      if (names.length > 0) found[path] = names;
    }
    return found;
  }

  /** Of processes of the host: what their arguments show, and, of those that are given, their environment. */
  processes(withEnvironment: readonly number[]): string[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const places = [
      ...pids.map((pid) => `/proc/${pid}/cmdline`),
      ...withEnvironment.map((pid) => `/proc/${pid}/environ`),
    ];
    return places.flatMap((place) => this.in(readIfThere(place)).map((name) => `${place}: ${name}`));
  }
}

/** Disks of sandboxes are not: what is in there is searched from inside. */
function isSearched(path: string): boolean {
  try {
    const stats = statSync(path);
    return stats.isFile() && stats.size < DISK_BYTES;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
