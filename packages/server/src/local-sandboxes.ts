import {
  type CallContext,
  type Cause,
  type CreateSandboxRequest,
  contextFromHeaders,
  type ExecInfo,
  type ExecRequest,
  type FileInfo,
  type Language,
  type SandboxDiff,
  type SandboxInfo,
  SandglassError,
  type StreamEvent,
} from "@sandglass/protocol";
import {
  CreateSandboxRequest as createSchema,
  ExecRequest as execSchema,
  ForkRequest as forkSchema,
  parseRequest,
} from "@sandglass/protocol/schemas";
import type { ExecHandle, RuntimeApi, SandboxHandle } from "@sandglass/runtime";
import { DEFAULT_ORG } from "./caller.ts";

/** In which trace, run and organisation a program in the same process works. */
export interface LocalCaller {
  /** W3C; without a valid one a new trace begins. */
  traceparent?: string;
  tracestate?: string;
  baggage?: string;
  /** Default "default". */
  orgId?: string;
}

export interface RunCodeOptions extends Pick<ExecRequest, "timeoutMs" | "env" | "cwd" | "contextId"> {
  /** Default "python". */
  language?: Language;
}

/** What a cell or command did. */
export interface ExecResult {
  stdout: string;
  stderr: string;
  /** Of a cell's last expression, by MIME type. */
  result: Record<string, string> | undefined;
  exitCode: number;
  cause: Cause;
  reason?: string;
  durationMs: number;
  execId: string;
  traceId: string;
}

/** Sandboxes for a program in the daemon's own process: the same record, no HTTP. */
export class LocalSandboxes {
  readonly #runtime: RuntimeApi;

  constructor(runtime: RuntimeApi) {
    this.#runtime = runtime;
  }

  /**
   * @throws SandglassError INVALID_REQUEST, TEMPLATE_NOT_FOUND, SANDBOX_LIMIT_REACHED, UNSUPPORTED_ON_HOST, DRIVER_ERROR
   * @example await using sandbox = await sandglass.sandboxes.create({ template: "python" })
   */
  async create(request: CreateSandboxRequest = {}, caller: LocalCaller = {}): Promise<LocalSandbox> {
    const checked = parseRequest(createSchema, request);
    const context = contextOf(caller, checked.runId ?? "");
    // A program of the same process may do what the operator may.
    const handle = await this.#runtime.create(checked, context, { isTrusted: true });
    return new LocalSandbox(handle, context, this.#runtime);
  }

  /** Newest first; ended ones too where asked. */
  list(options: { ended?: boolean; orgId?: string } = {}): SandboxInfo[] {
    return this.#runtime.list(options.orgId ?? DEFAULT_ORG, options);
  }

  /** @throws SandglassError SANDBOX_NOT_FOUND */
  get(id: string, caller: LocalCaller = {}): LocalSandbox {
    const handle = this.#runtime.get(id, caller.orgId ?? DEFAULT_ORG);
    return new LocalSandbox(handle, contextOf(caller, handle.info().runId), this.#runtime);
  }
}

/** One sandbox, with the trace its creator works in. */
export class LocalSandbox implements AsyncDisposable {
  readonly #handle: SandboxHandle;
  readonly #context: CallContext;
  readonly #runtime: RuntimeApi;

  constructor(handle: SandboxHandle, context: CallContext, runtime: RuntimeApi) {
    this.#handle = handle;
    this.#context = context;
    this.#runtime = runtime;
  }

  get id(): string {
    return this.#handle.id;
  }

  info(): SandboxInfo {
    return this.#handle.info();
  }

  /** Runs a cell in a persistent context; resolves when it has ended, however it did. */
  async runCode(code: string, options: RunCodeOptions = {}): Promise<ExecResult> {
    return collect(await this.exec({ language: "python", ...options, code }), this.#context.traceId);
  }

  /** Runs a shell line (text) or a program (list), waiting for its end. */
  async run(
    command: string | string[],
    options: Pick<ExecRequest, "timeoutMs" | "env" | "cwd" | "stdin"> = {},
  ): Promise<ExecResult> {
    const subject = typeof command === "string" ? { command } : { argv: command };
    return collect(await this.exec({ ...options, ...subject }), this.#context.traceId);
  }

  /** Begins an exec; its lines are the caller's to read, and the process waits for them. */
  exec(request: ExecRequest): Promise<ExecHandle> {
    return this.#handle.exec(parseRequest(execSchema, request), this.#context);
  }

  execs(): ExecInfo[] {
    return this.#handle.execs();
  }

  /** The whole of a file. */
  async readFile(path: string): Promise<Buffer> {
    const { content } = await this.#handle.files.read(path, this.#context);
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Writes a file, replacing what was there; parent directories are made. */
  writeFile(path: string, content: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<FileInfo> {
    const chunks = typeof content === "string" ? Buffer.from(content) : content;
    const source = chunks instanceof Uint8Array ? chunksOf(chunks) : chunks;
    return this.#handle.files.write(path, source, this.#context);
  }

  /**
   * Sandboxes with the files that this one has now, and its settings.
   *
   * @param options `n`: how many, 1 to 32; default 1
   */
  async fork(options: { n?: number } = {}): Promise<LocalSandbox[]> {
    const { n = 1 } = parseRequest(forkSchema, options);
    const children = await this.#runtime.fork(this.#handle, n, this.#context);
    return children.map((child) => new LocalSandbox(child, this.#context, this.#runtime));
  }

  /** What its file system has otherwise than that of `against`; default: of the sandbox that it was forked from. */
  async diff({ against }: { against?: LocalSandbox } = {}): Promise<SandboxDiff> {
    const other = against?.id ?? this.info().parentId;
    if (other === undefined)
      throw new SandglassError("INVALID_REQUEST", "say what to compare it with: against");
    return this.#runtime.diff(this.#handle, this.#runtime.get(other, this.#context.orgId));
  }

  /** Takes over the files of `winner`, which ends with cause `merged`. */
  merge(winner: LocalSandbox): Promise<void> {
    return this.#runtime.merge(this.#handle, winner.#handle, this.#context);
  }

  pause(): Promise<void> {
    return this.#handle.pause(this.#context);
  }

  resume(): Promise<void> {
    return this.#handle.resume(this.#context);
  }

  /** Idempotent; resolves when the ending is recorded. */
  close(): Promise<void> {
    return this.#handle.terminate("user", this.#context);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function contextOf({ orgId = DEFAULT_ORG, ...headers }: LocalCaller, runId: string): CallContext {
  return { ...contextFromHeaders(headers), orgId, runId };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function collect(exec: ExecHandle, traceId: string): Promise<ExecResult> {
  const output: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  let result: Record<string, string> | undefined;
  for await (const block of exec.lines({ isOwner: true })) {
    for (const line of block.split("\n")) {
      if (line === "") continue;
      const event = JSON.parse(line) as StreamEvent;
      if (event.type === "result") result = event.data;
      else if (event.type !== "exit")
        output[event.type].push(Buffer.from(event.data, event.encoding ?? "utf8"));
      else {
        const { code, cause, reason, durationMs, execId } = event;
        return {
          stdout: Buffer.concat(output.stdout).toString(),
          stderr: Buffer.concat(output.stderr).toString(),
          result,
          exitCode: code,
          cause,
          ...(reason !== undefined && { reason }),
          durationMs,
          execId,
          traceId,
        };
      }
    }
  }
  throw new Error(`the stream of ${exec.id} ended without an exit line`);
}
