import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { makeDirectory } from "./make-directory.ts";
import { writePrivateFile } from "./write-private-file.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the CLI and the SDK of the same user look for keys:
 * `$SANDGLASS_CREDENTIALS`, else `$XDG_CONFIG_HOME/sandglass/credentials.json`, else `~/.config/sandglass/credentials.json`.
 */
function credentialsPath(env: Environment = process.env): string {
  if (env.SANDGLASS_CREDENTIALS) return env.SANDGLASS_CREDENTIALS;
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config"), "sandglass", "credentials.json");
}

/** The user's credentials file: plaintext keys by base URL, `{"http://127.0.0.1:7070": {"apiKey": "…"}}`, mode 0600. */
export class Credentials {
  readonly path: string;

  constructor(path: string = credentialsPath()) {
    this.path = path;
  }

  /**
   * Every key in the file, by base URL.
   *
   * @throws Error where the file is there and cannot be understood: it may hold keys of other daemons, so it is not overwritten
   */
  async read(): Promise<Map<string, string>> {
    const parsed = await this.#parse();
    const keys = Object.entries(parsed).map(([url, entry]) => [
      url,
      (entry as { apiKey?: unknown } | null)?.apiKey,
    ]);
    return new Map(keys.filter((pair): pair is [string, string] => typeof pair[1] === "string"));
  }

  /** Keeps the key for `baseUrl` beside what else is in the file. */
  async write(baseUrl: string, apiKey: string): Promise<void> {
    const entries = await this.#parse();
    await makeDirectory(dirname(this.path), 0o700);
    await writePrivateFile(this.path, `${JSON.stringify({ ...entries, [baseUrl]: { apiKey } }, null, 2)}\n`);
  }

  async #parse(): Promise<Record<string, unknown>> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw error;
    }
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
        return parsed as Record<string, unknown>;
    } catch {
      // The parser's message quotes the file, which holds keys: only ours is shown.
    }
    throw new Error(`the credentials file ${this.path} is not a JSON object; repair it or move it away`);
  }
}
