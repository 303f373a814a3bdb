import { context, trace } from "@opentelemetry/api";
import { Client, type ExecResult, type Run, type Sandbox, SandglassError } from "sandglass";
import { type CodeResult, toCodeResult } from "./code-result.ts";
import { type SandboxToolOptions, TEMPLATES } from "./tool-options.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_CHARS = 8_000;
/** Traces whose runs are open at once; before there are more, the one that was longest not called in is completed. */
const MAX_OPEN_RUNS = 100;

/** What the tool is called, and in whose form. */
interface ToolIdentity {
  /** As the record and the model know it. */
  name: string;
  /** Name of the runs that are opened, e.g. "langchain". */
  framework: string;
}

/**
 * What all adapters share: a sandbox that is made when it is first needed, a run for each trace, and a tool call around each piece of code.
 *
 * A failure of the code is a {@link CodeResult}. A failure of the runtime is thrown.
 */
export class CodeRunner implements AsyncDisposable {
  readonly #options: SandboxToolOptions;
  readonly #identity: ToolIdentity;
  #client: Client | undefined;
  #sandbox: Promise<Sandbox> | undefined;
  /** By trace id, "" for callers in none; in the order of their last use. */
  readonly #runs = new Map<string, Promise<Run>>();
  #closed: Promise<void> | undefined;

  constructor(options: SandboxToolOptions, identity: ToolIdentity) {
    this.#options = options;
    this.#identity = identity;
  }

  /**
   * Runs code as a tool call of the run, in the caller's trace.
   *
   * @param signal aborting kills the code and rejects with the signal's reason
   * @throws SandglassError where the daemon refuses, or the sandbox is gone: the next call then makes a new one, unless it was given
   */
  async run(code: string, signal?: AbortSignal | null): Promise<CodeResult> {
    this.#checkOpen();
    const { name } = this.#identity;
    const isHidden = this.#options.captureContent === false;
    const run = await this.#currentRun();
    let ran: CodeResult | undefined;
    try {
      await run.tool(name, isHidden ? undefined : { code }, async () => {
        ran = await this.#execute(run, code, signal ?? undefined);
        if (ran.isError) throw new CodeFailure(isHidden ? "the code failed" : ran.text);
        return isHidden ? undefined : ran.text;
      });
    } catch (error) {
      if (!(error instanceof CodeFailure)) throw error;
    }
    return ran as CodeResult;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #execute(run: Run, code: string, signal: AbortSignal | undefined): Promise<CodeResult> {
    const { sandbox: given, language = "python", timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const made = given === undefined ? this.#madeSandbox(run) : undefined;
    let exec: ExecResult;
    try {
      const sandbox = given ?? (await made);
      if (sandbox === undefined) throw new SandglassError("INTERNAL", "no sandbox was made");
      exec = await sandbox.runCode(code, {
        language,
        ...(timeoutMs > 0 && { timeoutMs }),
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      if (isGone(error) && this.#sandbox === made) this.#sandbox = undefined;
      throw error;
    }
    return toCodeResult(exec, this.#options.maxOutputChars ?? DEFAULT_MAX_OUTPUT_CHARS);
  }

  /** Made once, however many calls come at the same time; one that could not be made is tried again by the next call. */
  #madeSandbox(run: Run): Promise<Sandbox> {
    // Closed while this call was on its way here: nobody would end the sandbox.
    this.#checkOpen();
    if (this.#sandbox !== undefined) return this.#sandbox;
    const { language = "python", template = TEMPLATES[language], create } = this.#options;
    const made = run.sandboxes.create({ ...create, template });
    this.#sandbox = made;
    made.catch(() => {
      if (this.#sandbox === made) this.#sandbox = undefined;
    });
    return made;
  }

  async #currentRun(): Promise<Run> {
    const { run, captureContent = false } = this.#options;
    if (run !== undefined) return run;
    const traceId = trace.getSpanContext(context.active())?.traceId ?? "";
    const known = this.#runs.get(traceId);
    const opened =
      known ??
      this.#usedClient().run({
        name: this.#identity.framework,
        captureContent,
        agent: this.#identity.framework,
      });
    this.#runs.delete(traceId);
    this.#runs.set(traceId, opened);
    this.#completeOldest();
    try {
      return await opened;
    } catch (error) {
      if (this.#runs.get(traceId) === opened) this.#runs.delete(traceId);
      throw error;
    }
  }

  /** In the background: what becomes of another trace's run is not this call's to fail for. */
  #completeOldest(): void {
    const [oldest] = this.#runs;
    if (this.#runs.size <= MAX_OPEN_RUNS || oldest === undefined) return;
    const [traceId, run] = oldest;
    this.#runs.delete(traceId);
    run
      .then((opened) => opened.complete())
      .catch((error: unknown) => {
        process.emitWarning(`the run of trace ${traceId} could not be completed: ${String(error)}`, {
          type: "SandglassWarning",
          code: "SANDGLASS_RUN_EVENTS",
        });
      });
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return;
    throw new SandglassError("INVALID_REQUEST", `the tool ${this.#identity.name} has been closed`);
  }

  #usedClient(): Client {
    this.#client ??= this.#options.client ?? new Client();
    return this.#client;
  }

  /** The sandbox first: whatever becomes of the record, it must not stay. What could not be made was an error of the call that needed it. */
  async #close(): Promise<void> {
    try {
      const sandbox = await this.#sandbox?.catch(() => undefined);
      await sandbox?.terminate();
    } finally {
      const runs = await Promise.allSettled(this.#runs.values());
      await Promise.all(runs.map((run) => (run.status === "fulfilled" ? run.value.complete() : undefined)));
      if (this.#options.client === undefined) await this.#client?.close();
    }
  }
}

/** Carries a failure of the code through the run's own bookkeeping, which takes what is thrown for the failure of a tool. */
class CodeFailure extends Error {
  override toString(): string {
    return this.message;
  }
}

function isGone(error: unknown): boolean {
  return (
    error instanceof SandglassError && (error.code === "SANDBOX_ENDED" || error.code === "SANDBOX_NOT_FOUND")
  );
}
