import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  CallContext,
  CreateSandboxRequest,
  ExecInfo,
  ExecRequest,
  ExitEvent,
  StreamEvent,
} from "@sandglass/protocol";
import { newSpanId, newTraceId } from "@sandglass/protocol";
import type { ExecHandle, RuntimeOptions, SandboxHandle } from "@sandglass/runtime";
import { Runtime } from "@sandglass/runtime";
import { EventRecord } from "./event-record.ts";

/** A runtime in a data directory of its own, with what it says kept. */
export interface TestRuntime extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly dataDir: string;
  readonly events: EventRecord;
  /** A sandbox of "default"'s; template "bash" unless the request says otherwise, for it needs no interpreter to be warmed. */
  create(request?: CreateSandboxRequest): Promise<SandboxHandle>;
  /** Closes the runtime and removes the directory, unless it was given. Idempotent. */
  close(): Promise<void>;
}

/** Everything one exec brought. */
export interface Ran {
  exec: ExecHandle;
  info: ExecInfo;
  lines: StreamEvent[];
  stdout: string;
  stderr: string;
  /** The last expression's "text/plain". */
  result: string | undefined;
  exit: ExitEvent;
}

/** A caller of the organisation "default", at the root of a trace of its own. */
export function callContext(over: Partial<CallContext> = {}): CallContext {
  return {
    orgId: "default",
    runId: "",
    traceId: newTraceId(),
    parentSpanId: newSpanId(),
    traceFlags: 1,
    tracestate: "",
    baggage: "",
    ...over,
  };
}

/**
 * Starts a real runtime. Needs root, as the runtime does.
 *
 * @param options over pools of no sandboxes, so that a test boots only what it asks for
 * @example await using host = await startRuntime()
 */
export async function startRuntime(
  options: Partial<Omit<RuntimeOptions, "emit">> = {},
): Promise<TestRuntime> {
  // Short: the agent's socket is below it, and the kernel takes 107 bytes.
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "sg-")));
  const events = new EventRecord();
  const { templates = { python: { poolSize: 0 } }, ...rest } = options;
  const removeOwn = async (): Promise<void> => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const starting = Runtime.start({ ...rest, templates, dataDir, emit: events.emit });
  const runtime = await starting.catch(async (error: Error) => {
    await removeOwn();
    throw error;
  });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await runtime.close("host_shutdown", 20_000);
    await removeOwn();
  };
  return {
    runtime,
    dataDir,
    events,
    create: (request = {}) => runtime.create({ template: "bash", ...request }, callContext()),
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

/** Runs one exec to its end as the caller who reads its stream. */
export async function run(
  sandbox: SandboxHandle,
  request: ExecRequest,
  context: CallContext = callContext(),
): Promise<Ran> {
  return finished(await sandbox.exec(request, context));
}

/** Reads an exec's stream to its end. */
export async function finished(exec: ExecHandle): Promise<Ran> {
  const lines = await readLines(exec.lines({ isOwner: true }));
  const exit = lines.at(-1);
  if (exit?.type !== "exit") throw new Error(`the stream of ${exec.id} ends without an exit`);
  const result = lines.find((line) => line.type === "result");
  return {
    exec,
    info: await exec.completed,
    lines,
    stdout: outputOf(lines, "stdout").toString("utf8"),
    stderr: outputOf(lines, "stderr").toString("utf8"),
    result: result?.data["text/plain"],
    exit,
  };
}

/** The lines of a stream, parsed. */
export async function readLines(blocks: AsyncIterable<string>): Promise<StreamEvent[]> {
  const lines: StreamEvent[] = [];
  for await (const block of blocks) lines.push(...parseLines(block));
  return lines;
}

export function parseLines(block: string): StreamEvent[] {
  if (!block.endsWith("\n")) throw new Error("a block does not end with its line");
  return block
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The bytes of one stream, whatever form the lines have. */
export function outputOf(lines: readonly StreamEvent[], stream: "stdout" | "stderr"): Buffer {
  return Buffer.concat(
    lines.flatMap((line) =>
      line.type === stream ? [Buffer.from(line.data, line.encoding === "base64" ? "base64" : "utf8")] : [],
    ),
  );
}
