import type { IncomingMessage, ServerResponse } from "node:http";
import { type FileInfo, SandglassError } from "@sandglass/protocol";
import type { RuntimeApi, SandboxHandle } from "@sandglass/runtime";
import { requireScope } from "../auth.ts";
import { pacedBody } from "../http/body-pace.ts";
import { writeBytes } from "../http/byte-stream.ts";
import { contextOf } from "../http/call.ts";
import { answerError, type ReportInternal } from "../http/error-answer.ts";
import { type JsonBodyLimits, readJsonBody, refuseEncoded } from "../http/json-body.ts";
import type { KeyGate } from "../http/key-gate.ts";
import type { RequestGuard } from "../http/request-guard.ts";
import { type RequestRecord, recordOf, writeHead } from "../http/request-record.ts";
import type { KeyUse } from "../keys.ts";
import { type AgentSandboxTarget, agentSandboxTarget, belowWorkspace } from "./agent-sandbox-routes.ts";
import { readMultipartFile } from "./multipart-file.ts";
import { NamedSandboxes } from "./named-sandboxes.ts";
import { runCommand } from "./run-command.ts";

/** Where that API's runtime listens inside its pods: what callers ask for who were told of no other. */
const RUNTIME_PORT = "8888";
const DEFAULT_NAMESPACE = "default";
/** As the API's router takes them, and with the underscore of our own ids. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,251}[A-Za-z0-9])?$/;
const OWN_ID = /^sbx_/;
const DAY_SECONDS = 86_400;
/** Stands in the record for a key where none is asked for. */
const KEYLESS = "agent-sandbox";

export interface AgentSandboxServices {
  runtime: Pick<RuntimeApi, "create" | "get">;
  gate: Pick<KeyGate, "admit" | "hold" | "confirm">;
  guard: RequestGuard;
  limits: JsonBodyLimits & { readerStallMs: number };
  /** Fires when the daemon takes no more work. */
  stopping: AbortSignal;
  reportInternal: ReportInternal;
  /** Of sandboxes that are made for a name. */
  template: string;
  /** Whose the calls without a key are; undefined refuses them. */
  keylessOrg: string | undefined;
}

/**
 * The runtime API of Kubernetes' agent-sandbox as its router speaks it: the sandbox is named by a header. One call is one
 * `http_request` span in the caller's trace, like any of the daemon's own API.
 */
export class AgentSandboxApi {
  readonly #services: AgentSandboxServices;
  readonly #named: NamedSandboxes;

  constructor(services: AgentSandboxServices) {
    this.#services = services;
    this.#named = new NamedSandboxes(services.runtime, { template: services.template });
  }

  /** Takes names of files out of what is recorded of a request, before anybody is told of it. */
  static conceal(record: RequestRecord): void {
    record.path = record.path.replace(/^\/(download|list|exists)\/.+/s, "/$1/{path+}");
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const record = recordOf(request);
    this.#answer(request, response, record).catch((error: unknown) =>
      answerError(error, request, response, record, this.#services.reportInternal),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> {
    const { gate, guard, stopping, limits } = this.#services;
    guard(request);
    const [path = ""] = (request.url ?? "").split("?");
    const target = agentSandboxTarget(request.method ?? "", path);
    record.route = target.template;
    if (target.name === "health") {
      record.isProbe = true;
      return sendJson(record, response, { status: "ok", message: "Sandbox Runtime is active." });
    }
    const use = this.#admit(request, response, record);
    if (stopping.aborted) throw new SandglassError("SHUTTING_DOWN", "the daemon is stopping");
    refuseEncoded(request);
    // Before a sandbox is made for it: what cannot be asked for costs nothing.
    const command =
      target.name === "execute" ? commandOf((await readJsonBody(request, limits)).value) : undefined;
    if (use !== undefined) gate.confirm(use);
    const sandbox = await this.#sandboxOf(request, record);
    // It may have been made for this call, which takes its time.
    if (use !== undefined) gate.confirm(use);
    record.sandboxId = sandbox.id;
    record.runId = sandbox.info().runId;
    const context = contextOf(record);
    if (command !== undefined)
      return sendJson(record, response, await runCommand(sandbox, command.text, command.timeoutMs, context));
    if (target.name === "upload") return this.#upload(request, response, record, sandbox);
    if (target.name === "download") return this.#download(target.file, response, record, sandbox);
    return sendJson(record, response, await lookUp(target, sandbox, record));
  }

  /** What it was let in with; undefined without a key, where none is asked for. */
  #admit(request: IncomingMessage, response: ServerResponse, record: RequestRecord): KeyUse | undefined {
    const { gate, keylessOrg } = this.#services;
    if (keylessOrg !== undefined && request.headers.authorization === undefined) {
      record.orgId = keylessOrg;
      record.keyId = KEYLESS;
      return undefined;
    }
    const use = gate.admit(request);
    record.orgId = use.key.orgId;
    record.keyId = use.key.id;
    requireScope(use.key, "sandboxes:write");
    // What is still on its way when the key is revoked is nobody's any more; a command that runs behind it runs on.
    const release = gate.hold(use, () => {
      record.errorCode = "UNAUTHORIZED";
      response.destroy();
    });
    response.once("close", release);
    return use;
  }

  /** @throws SandglassError INVALID_REQUEST, SANDBOX_NOT_FOUND for an id of ours that is none, and what making one throws */
  async #sandboxOf({ headers }: IncomingMessage, record: RequestRecord): Promise<SandboxHandle> {
    const name = named(headers, "x-sandbox-id", undefined);
    const namespace = named(headers, "x-sandbox-namespace", DEFAULT_NAMESPACE);
    const port = headers["x-sandbox-port"] ?? RUNTIME_PORT;
    if (port !== RUNTIME_PORT) {
      throw new SandglassError(
        "INVALID_REQUEST",
        `X-Sandbox-Port ${String(port).slice(0, 8)} is not served: only the runtime's own, ${RUNTIME_PORT}, is`,
        { hint: "leave the header out; other ports of a sandbox are not reached through this API" },
      );
    }
    if (OWN_ID.test(name)) return this.#services.runtime.get(name, record.orgId);
    return this.#named.get({ namespace, name }, contextOf(record));
  }

  async #upload(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    sandbox: SandboxHandle,
  ): Promise<void> {
    const body = pacedBody(request, this.#services.limits);
    const { filename, content } = await readMultipartFile(request.headers["content-type"], body, "file");
    const path = belowWorkspace(filename);
    if (path === "" || path.includes("\0"))
      throw new SandglassError("INVALID_REQUEST", "the form's file has no name that a file can have");
    await sandbox.files.write(path, content, contextOf(record));
    sendJson(record, response, { message: `File '${filename}' uploaded successfully.` });
  }

  async #download(
    file: string,
    response: ServerResponse,
    record: RequestRecord,
    sandbox: SandboxHandle,
  ): Promise<void> {
    const { info, content } = await sandbox.files.read(file, contextOf(record));
    const headers = { "content-type": "application/octet-stream", "content-length": info.sizeBytes };
    writeHead(record, response, 200, headers);
    await writeBytes(content, info.sizeBytes, response, this.#services.limits.readerStallMs);
  }
}

async function lookUp(
  { name, file }: AgentSandboxTarget,
  { files }: SandboxHandle,
  record: RequestRecord,
): Promise<unknown> {
  const path = file === "" ? "." : file;
  if (name === "list") return (await files.list(path, contextOf(record))).map(entryOf);
  try {
    await files.stat(path, contextOf(record));
    return { path: file, exists: true };
  } catch (error) {
    // Below a file there is nothing either.
    const isAbsent =
      error instanceof SandglassError && (error.code === "FILE_NOT_FOUND" || error.code === "FILE_CONFLICT");
    if (!isAbsent) throw error;
    return { path: file, exists: false };
  }
}

/** The API knows two types, and its clients refuse a list with a third. */
function entryOf({ name, sizeBytes, type, modifiedAt }: FileInfo): object {
  return {
    name,
    size: sizeBytes,
    type: type === "directory" ? "directory" : "file",
    mod_time: Date.parse(modifiedAt) / 1000,
  };
}

function commandOf(body: unknown): { text: string; timeoutMs: number } {
  const { command, timeout_seconds: seconds } = (body ?? {}) as Record<string, unknown>;
  if (typeof command !== "string" || command === "" || command.includes("\0"))
    throw new SandglassError("INVALID_REQUEST", 'the body needs a "command" that is a text', {
      hint: '{"command": "echo hello", "timeout_seconds": 60}',
    });
  if (seconds === undefined || seconds === null) return { text: command, timeoutMs: 0 };
  if (typeof seconds !== "number" || !(seconds > 0 && seconds <= DAY_SECONDS))
    throw new SandglassError(
      "INVALID_REQUEST",
      `"timeout_seconds" has to be above 0 and at most ${DAY_SECONDS}`,
    );
  return { text: command, timeoutMs: Math.ceil(seconds * 1000) };
}

function named(headers: IncomingMessage["headers"], header: string, fallback: string | undefined): string {
  const value = headers[header] ?? fallback;
  if (typeof value === "string" && NAME.test(value)) return value;
  throw new SandglassError(
    "INVALID_REQUEST",
    value === undefined ? `the header ${header} is missing` : `the header ${header} is no name of a sandbox`,
    { hint: "letters, digits and dashes: a name of your own, or the id of a sandbox that exists" },
  );
}

function sendJson(record: RequestRecord, response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value);
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  };
  writeHead(record, response, 200, headers);
  response.end(text);
}
