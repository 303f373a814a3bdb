import type {
  CreateSandboxRequest,
  DeletionResult,
  Page,
  SandboxInfo,
  SandboxState,
} from "@sandglass/protocol";
import { DELETION_TIMEOUT_MS } from "./deletion-timeout.ts";
import type { PageOptions } from "./execs.ts";
import { withExportEnvironment } from "./otel/export-environment.ts";
import { Sandbox } from "./sandbox.ts";
import { checkedTrace, openRunAt, type TraceOptions, type Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

export interface CreateSandboxOptions extends CreateSandboxRequest, TraceOptions {
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface ListSandboxesOptions extends PageOptions {
  /** Those that have ended too, also under earlier daemons as far as the store holds them; default false. */
  ended?: boolean;
  state?: SandboxState;
  runId?: string;
}

/** The sandboxes of one client, or of one run. */
export class Sandboxes {
  readonly #transport: Transport;
  readonly #tracing: Tracing;
  readonly #runId: string | undefined;

  /** Reached as `client.sandboxes` and `run.sandboxes`. */
  constructor(transport: Transport, tracing: Tracing, runId?: string) {
    this.#transport = transport;
    this.#tracing = tracing;
    this.#runId = runId;
  }

  /** As {@link Sandbox.create}. Where a run of this daemon is open around the call, the sandbox belongs to it. */
  async create(options: CreateSandboxOptions = {}): Promise<Sandbox> {
    const { traceparent, tracestate, baggage, signal, ...request } = options;
    const tracing = this.#tracingOf({ traceparent, tracestate, baggage });
    if (request.otelExport === true) request.env = withExportEnvironment(request.env);
    const runId = this.#runId ?? openRunAt(this.#transport.baseUrl);
    const json = runId === undefined ? request : { runId, ...request };
    const call = { route: "createSandbox", json, signal, tracing } as const;
    const { value: info, response } = await this.#transport.json<SandboxInfo>(call, (created) => ({
      "sandglass.sandbox.id": created.id,
      "sandglass.template.id": created.template,
    }));
    // Who brings no trace of its own gets one a sandbox: what was done in it hangs together.
    const origin = { traceparent: singleHeader(response.headers.traceresponse) };
    return this.#sandbox(info, { ...tracing, origin });
  }

  /** A sandbox that exists. @throws SandglassError SANDBOX_NOT_FOUND */
  async connect(id: string, options: TraceOptions = {}): Promise<Sandbox> {
    return this.#sandbox(await this.get(id), this.#tracingOf(options));
  }

  /** @throws SandglassError SANDBOX_NOT_FOUND */
  async get(id: string): Promise<SandboxInfo> {
    const call = { route: "getSandbox", params: { id }, tracing: this.#tracing } as const;
    return (await this.#transport.json<SandboxInfo>(call)).value;
  }

  /** One page, newest first. */
  async list(options: ListSandboxesOptions = {}): Promise<Page<SandboxInfo>> {
    const { signal, ended, ...filter } = options;
    const query = { ...filter, ended: ended || undefined };
    const call = { route: "listSandboxes", query, signal, tracing: this.#tracing } as const;
    return (await this.#transport.json<Page<SandboxInfo>>(call)).value;
  }

  /**
   * Deletes everything that the daemon's host has of a sandbox that has ended: its events, telemetry and output. What exporters have sent
   * is where they sent it. One that is not there is nothing to be done.
   *
   * @returns what there was
   * @throws SandglassError RECORD_IN_USE while it is alive; FORBIDDEN without the scope `admin`
   */
  async deleteRecord(id: string): Promise<DeletionResult> {
    const timeoutMs = DELETION_TIMEOUT_MS;
    const call = { route: "deleteSandboxRecord", params: { id }, timeoutMs, tracing: this.#tracing } as const;
    return (await this.#transport.json<DeletionResult>(call)).value;
  }

  #tracingOf(options: TraceOptions): Tracing {
    return { ...this.#tracing, own: checkedTrace(options) ?? this.#tracing.own };
  }

  #sandbox(info: SandboxInfo, tracing: Tracing): Sandbox {
    const runId = info.runId || tracing.runId;
    return new Sandbox(info, {
      transport: this.#transport,
      sandboxId: info.id,
      tracing: { ...tracing, runId },
    });
  }
}

function singleHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
