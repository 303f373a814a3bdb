import type {
  CallContext,
  Cause,
  Check,
  CreateSandboxRequest,
  Emit,
  ExecInfo,
  ExecRequest,
  FileInfo,
  Isolation,
  Language,
  NetworkOptions,
  SandboxDiff,
  SandboxInfo,
} from "@sandglass/protocol";
import type { SandboxCollector, TelemetryDestination } from "./collector.ts";
import type { UpstreamProxy } from "./egress/upstream-proxy.ts";
import type { TakeLines } from "./output/lines/output-lines.ts";
import type { SealedOutput } from "./output/output-store.ts";
import type { SamplingOptions } from "./samples/sampling-options.ts";

/** What the daemon (or a program in-process) asks of the runtime. Implemented by `Runtime` in `runtime.ts`. */
export interface RuntimeApi {
  /**
   * Throws TEMPLATE_NOT_FOUND, SANDBOX_LIMIT_REACHED, UNSUPPORTED_ON_HOST, DRIVER_ERROR, LOG_UNAVAILABLE, INVALID_REQUEST (telemetry
   * is to be exported to nowhere).
   *
   * @param options `isTrusted`: the caller may do what the operator may, so that its own telemetry endpoint may be on any network.
   *   `isPooled`: it may be one of the warm pool; default true
   */
  create(
    request: CreateSandboxRequest,
    context: CallContext,
    options?: { isTrusted?: boolean; isPooled?: boolean },
  ): Promise<SandboxHandle>;
  /** Throws SANDBOX_NOT_FOUND where there is none of this id in the organisation. Ended ones stay known for a while. */
  get(id: string, orgId: string): SandboxHandle;
  /**
   * Sandboxes with the files that this one has at one moment, and its settings; in the caller's trace. All of them begin, or none stays.
   * Throws SANDBOX_LIMIT_REACHED, DISK_FULL before any is made; SANDBOX_ENDED, SANDBOX_PAUSED, UNSUPPORTED_ON_HOST, DRIVER_ERROR.
   *
   * @param count from 1 to 32
   */
  fork(sandbox: SandboxHandle, count: number, context: CallContext): Promise<SandboxHandle[]>;
  /** What its file system has otherwise than that of `against`. Throws INVALID_REQUEST where the two are of different kinds; SANDBOX_ENDED, UNSUPPORTED_ON_HOST, DRIVER_ERROR. */
  diff(sandbox: SandboxHandle, against: SandboxHandle): Promise<SandboxDiff>;
  /** Gives it the files of `winner`, which ends then. Throws as {@link diff}; FILE_CONFLICT, DISK_FULL, FILE_ERROR. */
  merge(sandbox: SandboxHandle, winner: SandboxHandle, context: CallContext): Promise<void>;
  /** Newest first; ended ones included where asked. */
  list(orgId: string, options?: { ended?: boolean }): SandboxInfo[];
  /** Blocks of whole NDJSON lines of a finished or running exec, also after its sandbox is gone or the daemon was restarted. Undefined where nothing is kept. */
  readOutput(
    sandboxId: string,
    execId: string,
    after?: number,
    signal?: AbortSignal,
  ): AsyncIterable<string> | undefined;
  /** Where a crash took a sandbox: writes the missing `exit` line behind what is kept of an exec's output; one that is there is told. */
  sealOutput(
    sandboxId: string,
    execId: string,
    ending: { code: number; cause: Cause; durationMs: number },
  ): Promise<SealedOutput>;
  /**
   * Forgets a sandbox that has ended, and what its execs wrote. Resolves with the bytes of that, when they and its disk are gone; of a
   * sandbox that runs nothing is touched, and it is 0.
   */
  forget(sandboxId: string): Promise<number>;
  checks(): Promise<Check[]>;
  /** Ready sandboxes and targets by template, sandboxes by state, how often the helper was started again: for /metrics. */
  stats(): {
    pool: Record<string, { ready: number; target: number; hits: number; misses: number }>;
    sandboxes: Record<string, number>;
    runningExecs: number;
    helperRestarts: number;
  };
  /** Ends every exec and sandbox with `cause`, then releases what the host lent. */
  close(cause: Cause, deadlineMs: number): Promise<void>;
}

export interface SandboxHandle {
  readonly id: string;
  readonly orgId: string;
  info(): SandboxInfo;
  /** Resolves when `exec.started` is committed. */
  exec(request: ExecRequest, context: CallContext): Promise<ExecHandle>;
  execs(): ExecInfo[];
  /** Throws EXEC_NOT_FOUND. */
  getExec(execId: string): ExecHandle;
  pause(context: CallContext): Promise<void>;
  resume(context: CallContext): Promise<void>;
  /** Idempotent; resolves when `sandbox.terminated` is committed. */
  terminate(cause: Cause, context: CallContext, reason?: string): Promise<void>;
  readonly files: FilesHandle;
}

export interface ExecHandle {
  readonly id: string;
  info(): ExecInfo;
  /**
   * Blocks of one or more whole NDJSON lines, newlines included, from the line behind seq `after` (absent: from the first),
   * following until `exit`. A block is what was there at once: write it as it comes.
   * `isOwner` marks the stream of the caller that started the exec: while it is read slowly the process waits.
   */
  lines(options?: { after?: number; signal?: AbortSignal; isOwner?: boolean }): AsyncIterable<string>;
  /** Throws EXEC_ENDED. Signal name like "SIGTERM"; default "SIGKILL". */
  kill(signal: string, context: CallContext): Promise<void>;
  /** Resolves with the final state once `exec.completed` is committed. */
  readonly completed: Promise<ExecInfo>;
}

/** Paths are resolved inside the sandbox; relative ones from /workspace. */
export interface FilesHandle {
  /** Throws FILE_NOT_FOUND, FILE_CONFLICT (a directory), FILE_ERROR. `sizeBytes` is that of the moment it was opened. */
  read(path: string, context: CallContext): Promise<{ info: FileInfo; content: AsyncIterable<Uint8Array> }>;
  write(
    path: string,
    content: AsyncIterable<Uint8Array>,
    context: CallContext,
    options?: { mode?: number },
  ): Promise<FileInfo>;
  stat(path: string, context: CallContext): Promise<FileInfo>;
  list(path: string, context: CallContext): Promise<FileInfo[]>;
  makeDirectory(path: string, context: CallContext): Promise<FileInfo>;
  move(from: string, to: string, context: CallContext): Promise<FileInfo>;
  remove(path: string, context: CallContext, options?: { recursive?: boolean }): Promise<void>;
}

/** A template as configured. */
export interface TemplateConfig {
  /** A built-in template to start from: "python", "node" or "bash". */
  base?: "python" | "node" | "bash";
  /** Read-only directories of the host. */
  mounts?: { source: string; target: string }[];
  /** Of `OTEL_EXPORTER_OTLP_*` in it nothing reaches a sandbox: they are the default of where its telemetry is exported to. */
  env?: Record<string, string>;
  /** A cell run before the sandbox enters the pool. */
  warmup?: string;
  /** Interpreters started before the sandbox enters the pool. */
  warm?: Language[];
  /** Ready sandboxes kept. */
  poolSize?: number;
  vcpu?: number;
  memoryMb?: number;
  diskMb?: number;
  maxPids?: number;
  /** Default of its sandboxes' `isolation`; what the daemon has where absent. */
  isolation?: Isolation;
  /** Default of its sandboxes' `instrument` and `logs`; false where absent. */
  instrument?: boolean;
  logs?: boolean;
  /** Default of its sandboxes' `network`; the operator's, so that it may name addresses that are not public. */
  network?: NetworkOptions;
}

export interface RuntimeOptions {
  /** Absolute. The runtime owns `sandboxes/`, `output/` and `runtime/` below it. */
  dataDir: string;
  emit: Emit;
  templates?: Record<string, TemplateConfig>;
  /** At most this many sandboxes at once; default 200. */
  maxSandboxes?: number;
  /** Defaults of every sandbox; see `limits.ts`. */
  defaults?: Partial<
    Pick<
      CreateSandboxRequest,
      "vcpu" | "memoryMb" | "diskMb" | "maxPids" | "maxOutputBytes" | "timeoutMs" | "idleTimeoutMs" | "onIdle"
    >
  >;
  /** The wall of sandboxes whose request and template name none; default "bubblewrap". */
  isolation?: Isolation | undefined;
  /** How sandboxes are sampled, as `resource.sample` and `cost.runtime` events. Default: not at all. */
  sampling?: SamplingOptions;
  /** Takes what programs inside send with OpenTelemetry. Default: nobody does, and nothing is told them of it. */
  collector?: SandboxCollector;
  /** Takes lines of the output of sandboxes with `logs`. Default: nobody does, and asking for them is refused. */
  onLines?: TakeLines;
  /** Where telemetry of every sandbox goes whose request and template name no other endpoint. */
  otelExport?: TelemetryDestination;
  /** The proxy that destinations of sandboxes are reached through. Default: the host reaches them itself. */
  upstreamProxy?: UpstreamProxy | undefined;
  /** False keeps no output segments; for measuring what recording costs. Default true. */
  recordOutput?: boolean;
  /** Bytes of kept exec output before the oldest goes; default 2 GiB. */
  outputRetentionBytes?: number;
}
