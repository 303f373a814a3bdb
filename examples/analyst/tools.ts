import type { ExecResult, Run, Sandbox } from "sandglass";
import type { ToolCall } from "./agent.ts";
import { readDataset } from "./datasets.ts";
import type { Screen } from "./screen.ts";

/** The tools as a model is told of them; inputs in JSON Schema. */
export const TOOLS = [
  {
    name: "open_sandbox",
    description:
      "Opens a Python 3 sandbox with a memory limit and copies files into it. It has the standard library, no network, and one processor.",
    schema: {
      type: "object",
      properties: {
        name: { type: "string", description: "What you will call it, e.g. scout" },
        memory_mb: {
          type: "integer",
          description: "Memory limit in MiB, where it is not to be the usual 512",
        },
        files: {
          type: "array",
          description: "Files it begins with",
          items: {
            type: "object",
            properties: {
              path: { type: "string", description: "Name in the sandbox" },
              from: {
                type: "string",
                description: "A data set's name, or <sandbox>:<path> of another sandbox",
              },
            },
            required: ["path", "from"],
          },
        },
      },
      required: ["name"],
    },
  },
  {
    name: "python",
    description:
      "Runs a cell in a sandbox, as in a notebook: variables stay for the next cell, the value of the last expression is shown.",
    schema: {
      type: "object",
      properties: {
        sandbox: { type: "string", description: "Name given to open_sandbox" },
        code: { type: "string" },
      },
      required: ["sandbox", "code"],
    },
  },
] as const;

/** What the agent is shown of one stream; more would fill a model's context. */
const MAX_OUTPUT_CHARS = 8_000;
const CELL_TIMEOUT_MS = 60_000;

/** The analyst's tools, and the sandboxes it has open, by the names it gave them. */
export class Tools implements AsyncDisposable {
  /** Ids of the sandboxes it has opened, in their order; those that have ended too. */
  readonly opened: string[] = [];
  readonly #run: Run;
  readonly #screen: Screen;
  readonly #sandboxes = new Map<string, Promise<Sandbox>>();

  constructor(run: Run, screen: Screen) {
    this.#run = run;
    this.#screen = screen;
  }

  /**
   * Calls a tool with what the agent gave, which may be anything.
   *
   * @returns what the agent is told
   * @throws Error whose message the agent is told: a wrong input, a cell that failed
   */
  call({ tool, input }: ToolCall): Promise<string> {
    if (tool === "open_sandbox") return this.#open(input);
    if (tool === "python") return this.#python(input);
    throw new Error(`there is no tool "${tool}"; known: ${TOOLS.map(({ name }) => name).join(", ")}`);
  }

  /** Ends every sandbox. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sandboxes.values()].map(async (sandbox) => (await sandbox).close()));
    this.#sandboxes.clear();
  }

  async #open(input: Record<string, unknown>): Promise<string> {
    const name = text(input, "name");
    if (this.#sandboxes.has(name)) throw new Error(`there is a sandbox "${name}" already`);
    const memory = input.memory_mb === undefined ? {} : { memoryMb: Number(input.memory_mb) };
    const startedAt = performance.now();
    const opening = this.#run.sandboxes.create({ template: "python", ...memory, metadata: { name } });
    // Before it is there: calls of one turn run at once, and each name is given once.
    this.#sandboxes.set(name, opening);
    opening.catch(() => this.#sandboxes.delete(name));
    const sandbox = await opening;
    this.opened.push(sandbox.id);
    const openMs = performance.now() - startedAt;
    let sizeBytes = 0;
    for (const file of Array.isArray(input.files) ? input.files : []) {
      const info = await sandbox.files.write(text(file, "path"), await this.#read(text(file, "from")));
      sizeBytes += info.sizeBytes;
    }
    const size = `${(sizeBytes / 1024 ** 2).toFixed(1)} MiB of files`;
    this.#screen.finding(name, `${sandbox.id} open in ${openMs.toFixed(1)} ms, ${size}`);
    return `sandbox ${name} is open, with ${size}`;
  }

  /** A data set, or a file of another sandbox as `<sandbox>:<path>`. */
  async #read(from: string): Promise<Uint8Array> {
    const [name = "", path] = from.split(":");
    return path === undefined ? readDataset(name) : (await this.#sandbox(name)).files.read(path);
  }

  async #python(input: Record<string, unknown>): Promise<string> {
    const name = text(input, "sandbox");
    const lines = this.#screen.output(name);
    const sandbox = await this.#sandbox(name);
    const cell = await sandbox.runCode(text(input, "code"), {
      timeoutMs: CELL_TIMEOUT_MS,
      onStdout: (chunk) => lines.write(chunk),
      onStderr: (chunk) => lines.write(chunk),
      onResult: (value) => lines.write(`= ${value["text/plain"]}\n`),
    });
    lines.end();
    const isOk = cell.cause === "exited" && cell.exitCode === 0;
    const ending = endingOf(cell);
    if (isOk) this.#screen.finding(name, ending);
    else this.#screen.failure(name, ending);
    const shown = [cell.stdout, cell.result?.["text/plain"], cell.stderr]
      .filter((part) => part !== undefined && part !== "")
      .map((part) => part?.slice(-MAX_OUTPUT_CHARS).trimEnd());
    const report = [...shown, `[${ending}]`].join("\n");
    if (isOk) return report;
    throw new Error(report);
  }

  #sandbox(name: string): Promise<Sandbox> {
    const sandbox = this.#sandboxes.get(name);
    if (sandbox !== undefined) return sandbox;
    throw new Error(
      `no sandbox "${name}" is open; open: ${[...this.#sandboxes.keys()].join(", ") || "none"}`,
    );
  }
}

/** `exited 0 in 12 ms`, `oom_killed after 181 ms: the memory limit of 48 MiB was reached`. */
function endingOf({ cause, exitCode, durationMs, reason }: ExecResult): string {
  const time = `${durationMs.toFixed(durationMs < 10 ? 1 : 0)} ms`;
  if (cause === "exited") return `exited ${exitCode} in ${time}`;
  return `${cause} after ${time}${reason === undefined ? "" : `: ${reason}`}`;
}

function text(input: unknown, name: string): string {
  const value =
    typeof input === "object" && input !== null ? (input as Record<string, unknown>)[name] : undefined;
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`"${name}" has to be a text`);
}
