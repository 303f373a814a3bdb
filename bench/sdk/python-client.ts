import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
const PROGRAM = fileURLToPath(new URL("client.py", import.meta.url));
/** As `scripts/python-env.sh` makes it, with what the client needs. */
export const PYTHON: string = fileURLToPath(new URL(".toolchain/python/bin/python", ROOT));

/** The Python client in a process of its own, which measures itself: one call each time it is asked. */
export class PythonClient implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Begins with a sandbox of its own. */
  static async start(url: string, apiKey: string): Promise<PythonClient> {
    const child = spawn(PYTHON, [PROGRAM, url, apiKey]);
    child.stderr.pipe(process.stderr);
    const client = new PythonClient(child, createInterface({ input: child.stdout }));
    await client.#line();
    return client;
  }

  /** Milliseconds of one `run_code("print(1)")`. */
  async runCode(): Promise<number> {
    this.#child.stdin.write("\n");
    return Number(await this.#line());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    await exited;
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the Python client has ended");
    return value;
  }
}
