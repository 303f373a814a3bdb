import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Isolation } from "@sandglass/protocol";
import type { CommandOptions, ExecResult, RunCodeOptions, Sandbox } from "sandglass";
import type { AttackedHost } from "./attacked-host.ts";
import { compiled } from "./compiled.ts";
import type { ToldEnd } from "./record-check.ts";

const INSIDE = new URL("inside/", import.meta.url);
const TIMEOUT_MS = 60_000;

/** What an attack has to work with: its sandbox, and the host that it attacks. */
export class Scene {
  readonly sandbox: Sandbox;
  readonly host: AttackedHost;
  readonly isolation: Isolation;
  /** All that the sandbox wrote: none of the host's secrets may be in it. */
  readonly said: string[] = [];
  /** How each of its execs ended, as this side was told: the record must say the same. */
  readonly told: ToldEnd[] = [];

  constructor(sandbox: Sandbox, host: AttackedHost) {
    this.sandbox = sandbox;
    this.host = host;
    this.isolation = host.isolation;
  }

  /** A command in the sandbox, a minute at most. */
  async run(command: string | readonly string[], options: CommandOptions = {}): Promise<ExecResult> {
    const result = await this.sandbox.commands.run(command, { timeoutMs: TIMEOUT_MS, ...options });
    this.said.push(result.stdout, result.stderr);
    this.#heard(result);
    return result;
  }

  /** A cell of the sandbox's interpreter. */
  async cell(code: string, options: RunCodeOptions = {}): Promise<ExecResult> {
    const result = await this.sandbox.runCode(code, { timeoutMs: TIMEOUT_MS, ...options });
    this.said.push(result.stdout, result.stderr, JSON.stringify(result.result ?? ""));
    this.#heard(result);
    return result;
  }

  /** Runs a Python program to its end, and returns the JSON that its last line is. */
  // biome-ignore lint/suspicious/noExplicitAny: each has an answer of its own
  async python(program: string, ...args: string[]): Promise<any> {
    const { stdout, stderr, exitCode, cause } = await this.run(["python3", "-c", program, ...args]);
    assert.equal(exitCode, 0, `${cause}: ${stderr.slice(-2000)}`);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  }

  /** As {@link python}, of a file in `inside/`. */
  // biome-ignore lint/suspicious/noExplicitAny: as there
  pythonFile(name: string, ...args: string[]): Promise<any> {
    return this.python(readFileSync(new URL(name, INSIDE), "utf8"), ...args);
  }

  /** Compiles a C program of `inside/` on the host, puts it into the sandbox and returns its path there. */
  async place(name: string): Promise<string> {
    const path = `/workspace/${name}`;
    await this.sandbox.files.write(path, readFileSync(await compiled(name)), { mode: 0o755 });
    return path;
  }

  /** Starts a command and resolves when it has said `word`; its end is awaited by the caller. */
  async start(
    command: string | readonly string[],
    word: string,
    options: CommandOptions = {},
  ): Promise<{ execId: string; ended: Promise<ExecResult> }> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let execId = "";
    const ended = this.run(command, {
      ...options,
      onStart: (exec) => {
        execId = exec.execId;
      },
      onStdout: (text) => text.includes(word) && resolve(),
    });
    ended.catch(() => undefined); // whoever waits for it hears
    const early = await Promise.race([promise.then(() => undefined), ended]);
    if (early !== undefined && !early.stdout.includes(word))
      throw new Error(`it ended with ${early.cause} before it said "${word}": ${early.stderr.slice(-2000)}`);
    return { execId, ended };
  }

  /** The host's pids of what runs in the sandbox. */
  pids(): number[] {
    return this.host.pidsOf(this.sandbox.id);
  }

  #heard({ execId, cause, exitCode, signal, stdoutBytes, stderrBytes }: ExecResult): void {
    this.told.push({
      ...{ execId, cause, exitCode, ...(signal !== undefined && { signal }) },
      ...{ stdoutBytes: stdoutBytes.length, stderrBytes: stderrBytes.length },
    });
  }
}
