import type {
  ExecRequest,
  ForkResult,
  Language,
  SandboxDiff,
  SandboxInfo,
  StreamEvent,
} from "@sandglass/protocol";
import { parseTraceparent } from "@sandglass/protocol";
import { type Client, type ClientOptions, sharedClient } from "./client.ts";
import { Commands } from "./commands.ts";
import { collectExec, type ExecHandlers, type ExecResult, streamExec } from "./exec.ts";
import type { StreamSource } from "./exec-stream.ts";
import { Execs } from "./execs.ts";
import { Files } from "./files.ts";
import type { CreateSandboxOptions } from "./sandboxes.ts";
import type { Call } from "./transport/call.ts";

/** Files are copied and compared meanwhile, as many as there are. */
const FORK_TIMEOUT_MS = 600_000;

/** Which daemon: a client shared by many sandboxes, or the options of one (equal options share one). */
export type ClientChoice = { client?: Client } & ClientOptions;

export interface RunCodeOptions extends ExecHandlers {
  /** Default: what the sandbox's template is for. */
  language?: Language;
  /** Cells of one context share variables and queue in order. Default: one context a language. */
  contextId?: string;
  /** Milliseconds until the cell is ended with cause `timed_out`. Default: the daemon's. */
  timeoutMs?: number;
  /** For this cell only. */
  env?: Record<string, string>;
  cwd?: string;
  /** Aborting kills the cell and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * One sandbox.
 *
 * @example
 * await using sandbox = await Sandbox.create({ template: "python" });
 * const { stdout, result } = await sandbox.runCode("print(6 * 7); 'done'");
 */
export class Sandbox {
  readonly id: string;
  /** The trace it was created in. */
  readonly traceId: string;
  readonly template: string;
  readonly commands: Commands;
  readonly execs: Execs;
  readonly files: Files;
  readonly #source: StreamSource;

  /** Use {@link Sandbox.create} or {@link Sandbox.connect}. */
  constructor(info: Pick<SandboxInfo, "id" | "traceId" | "template">, source: StreamSource) {
    this.id = info.id;
    this.traceId = info.traceId;
    this.template = info.template;
    this.#source = source;
    this.commands = new Commands(source);
    this.execs = new Execs(source);
    this.files = new Files(source);
  }

  /**
   * Creates a sandbox.
   *
   * @param options limits, template and the like; `client`, or `baseUrl` and `apiKey`, choose the daemon; `traceparent` is
   *   carried by every call of this sandbox
   * @throws SandglassError TEMPLATE_NOT_FOUND, SANDBOX_LIMIT_REACHED, UNSUPPORTED_ON_HOST, CONNECTION_FAILED
   */
  static create(options: CreateSandboxOptions & ClientChoice = {}): Promise<Sandbox> {
    const { client, baseUrl, apiKey, ca, caFile, requestTimeoutMs, connectTimeoutMs, ...rest } = options;
    const { streamRetries, sdkOtelEnabled, ...request } = rest;
    return (client ?? sharedClient(options)).sandboxes.create(request);
  }

  /** A sandbox that exists. @throws SandglassError SANDBOX_NOT_FOUND */
  static connect(id: string, options: ClientChoice = {}): Promise<Sandbox> {
    return (options.client ?? sharedClient(options)).sandboxes.connect(id, options);
  }

  /**
   * Runs a cell in a persistent context and waits for its end. An exception in the code is a result (`exitCode`,
   * `stderr`), not an error of this call.
   *
   * @example const { result } = await sandbox.runCode("df.describe()"); result?.["text/plain"]
   */
  runCode(code: string, options: RunCodeOptions = {}): Promise<ExecResult> {
    return collectExec(this.#withSignal(options.signal), cellOf(code, options), options);
  }

  /**
   * Runs a cell and yields each line as it comes; the last is `exit` with `code` and `cause`.
   * Starts with the loop. Leaving it early lets the cell run on; aborting `signal` kills it.
   */
  runCodeStream(code: string, options: RunCodeOptions = {}): AsyncGenerator<StreamEvent, void, undefined> {
    return streamExec(this.#withSignal(options.signal), cellOf(code, options), options);
  }

  /** Its state now; also when it has ended. */
  info(): Promise<SandboxInfo> {
    return this.#call("getSandbox");
  }

  /**
   * Freezes every process until {@link resume}; execs are refused with SANDBOX_PAUSED meanwhile. One that fell asleep for being idle
   * wakes by itself.
   */
  pause(): Promise<SandboxInfo> {
    return this.#call("pauseSandbox");
  }

  resume(): Promise<SandboxInfo> {
    return this.#call("resumeSandbox");
  }

  /**
   * Makes sandboxes with the same settings, and the same files as this one has at one moment. Processes, variables of interpreters and
   * open ports are not copied. They are the caller's to end, as every other.
   *
   * @param options `n`: how many; from 1 to 32, default 1
   * @throws SandglassError SANDBOX_LIMIT_REACHED, DISK_FULL where not all of them find room: then there is none; UNSUPPORTED_ON_HOST
   * @example const [a, b] = await sandbox.fork({ n: 2 });
   */
  async fork(options: { n?: number } = {}): Promise<Sandbox[]> {
    const { transport, tracing } = this.#source;
    const timeoutMs = FORK_TIMEOUT_MS;
    const call = {
      route: "forkSandbox",
      params: { id: this.id },
      json: options,
      timeoutMs,
      tracing,
    } as const;
    const { value, response } = await transport.json<ForkResult>(call);
    const trace = parseTraceparent(response.headers.traceresponse);
    return value.children.map(({ id }) => {
      const child = { id, traceId: trace?.traceId ?? this.traceId, template: this.template };
      return new Sandbox(child, { transport, sandboxId: id, tracing });
    });
  }

  /**
   * What its file system has otherwise than that of another sandbox.
   *
   * @param options `against`: default the sandbox that it was forked from
   * @throws SandglassError INVALID_REQUEST where it was forked from none and none is given
   */
  async diff(options: { against?: Sandbox | string } = {}): Promise<SandboxDiff> {
    const { transport, tracing } = this.#source;
    const query = { against: options.against && idOf(options.against) };
    const call = { route: "diffSandbox", params: { id: this.id }, query, tracing } as const;
    return (await transport.json<SandboxDiff>({ ...call, timeoutMs: FORK_TIMEOUT_MS })).value;
  }

  /**
   * Takes over the files of another sandbox of the same template: what `winner.diff({ against: sandbox })` lists. The winner ends with
   * cause `merged`.
   *
   * @throws SandglassError INVALID_REQUEST where the two cannot be merged; DISK_FULL
   */
  async merge(winner: Sandbox | string): Promise<void> {
    const { transport, tracing } = this.#source;
    const params = { id: this.id, winner: idOf(winner) };
    await transport.json<void>({ route: "mergeSandbox", params, timeoutMs: FORK_TIMEOUT_MS, tracing });
  }

  /** Ends it and everything in it. Idempotent: one that has ended is no error. */
  async terminate(): Promise<void> {
    await this.#call<void>("deleteSandbox");
  }

  /** The same as {@link terminate}. */
  close(): Promise<void> {
    return this.terminate();
  }

  /** `await using` terminates the sandbox at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.terminate();
  }

  async #call<T = SandboxInfo>(route: Call["route"]): Promise<T> {
    const { transport, tracing } = this.#source;
    return (await transport.json<T>({ route, params: { id: this.id }, tracing })).value;
  }

  #withSignal(signal: AbortSignal | undefined): StreamSource {
    return { ...this.#source, signal };
  }
}

function idOf(sandbox: Sandbox | string): string {
  return typeof sandbox === "string" ? sandbox : sandbox.id;
}

function cellOf(code: string, options: RunCodeOptions): ExecRequest {
  const { language, contextId, timeoutMs, env, cwd } = options;
  return {
    code,
    ...(language !== undefined && { language }),
    ...(contextId !== undefined && { contextId }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(env !== undefined && { env }),
    ...(cwd !== undefined && { cwd }),
  };
}
