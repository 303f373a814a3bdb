import type {
  DeadLetter,
  ExporterInfo,
  ExporterList,
  ExporterSpec,
  FlushResult,
  Page,
} from "@sandglass/protocol";
import type { PageOptions } from "./execs.ts";
import type { Transport } from "./transport/transport.ts";

/** Time that an answer to a flush has beyond the flush's own. */
const ANSWER_MS = 10_000;
const DEFAULT_FLUSH_MS = 30_000;

export interface FlushOptions {
  /** Ids of the exporters to wait for; default all that the key sees. */
  ids?: string[];
  /** How long to wait at most, milliseconds. Default 30,000, at most ten minutes. */
  timeoutMs?: number;
  /** Aborting rejects with the signal's reason; events are delivered all the same. */
  signal?: AbortSignal;
}

/** Where the daemon delivers events to. */
export class Exporters {
  readonly #transport: Transport;

  /** Reached as `client.exporters`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(): Promise<ExporterInfo[]> {
    return (await this.#transport.json<ExporterList>({ route: "listExporters" })).value.items;
  }

  /** @throws SandglassError EXPORTER_NOT_FOUND */
  async get(id: string): Promise<ExporterInfo> {
    const call = { route: "getExporter", params: { exporterId: id } } as const;
    return (await this.#transport.json<ExporterInfo>(call)).value;
  }

  /**
   * Adds an exporter, which the daemon keeps across restarts. Secrets in `config` are kept there as they are, in a file that only
   * the daemon's user may read; `{env: "NAME"}` names a variable of the daemon's environment instead.
   *
   * @throws SandglassError INVALID_REQUEST, EXPORTER_CONFLICT, EXPORTER_LIMIT_REACHED, FORBIDDEN
   * @example await client.exporters.add({ provider: "axiom", config: { token: { env: "AXIOM_TOKEN" } } })
   */
  async add(spec: ExporterSpec): Promise<ExporterInfo> {
    return (await this.#transport.json<ExporterInfo>({ route: "addExporter", json: spec })).value;
  }

  /**
   * Configures an exporter anew; it continues where it was.
   *
   * @throws SandglassError EXPORTER_NOT_FOUND, EXPORTER_CONFLICT for one of the daemon's configuration, INVALID_REQUEST
   */
  async replace(id: string, spec: ExporterSpec): Promise<ExporterInfo> {
    const call = { route: "replaceExporter", params: { exporterId: id }, json: spec } as const;
    return (await this.#transport.json<ExporterInfo>(call)).value;
  }

  /**
   * Ends an exporter. One that is added under its id later continues where it was; with `forget` it begins anew.
   *
   * @throws SandglassError EXPORTER_NOT_FOUND, EXPORTER_CONFLICT for one of the daemon's configuration
   */
  async remove(id: string, options: { forget?: boolean } = {}): Promise<void> {
    const query = { forget: options.forget || undefined };
    await this.#transport.json({ route: "removeExporter", params: { exporterId: id }, query });
  }

  /** Tries to deliver now, whatever the backoff; wakes one that is disabled. @throws SandglassError EXPORTER_NOT_FOUND */
  async retry(id: string): Promise<ExporterInfo> {
    const call = { route: "retryExporter", params: { exporterId: id } } as const;
    return (await this.#transport.json<ExporterInfo>(call)).value;
  }

  /**
   * A page of what its destination would not take, the latest first. Give its `nextCursor` as `cursor` for the next; there is none on the
   * last page. A page may have fewer than were asked for, and still a next one.
   *
   * @throws SandglassError EXPORTER_NOT_FOUND
   */
  async deadLetters(id: string, options: PageOptions = {}): Promise<Page<DeadLetter>> {
    const { signal, ...query } = options;
    const call = { route: "listDeadLetters", params: { exporterId: id }, query, signal } as const;
    return (await this.#transport.json<Page<DeadLetter>>(call)).value;
  }

  /**
   * Resolves when everything that happened before is delivered or given up, or the time is over: then `pending` says how many
   * events are left, which are delivered later.
   *
   * @throws SandglassError EXPORTER_NOT_FOUND
   */
  async flush(options: FlushOptions = {}): Promise<FlushResult> {
    const { ids, timeoutMs = DEFAULT_FLUSH_MS, signal } = options;
    const json = { timeoutMs, ...(ids !== undefined && { ids }) };
    const call = { route: "flushExporters", json, signal, timeoutMs: timeoutMs + ANSWER_MS } as const;
    return (await this.#transport.json<FlushResult>(call)).value;
  }
}
