import type {
  ExporterInfo,
  ExporterSpec,
  FlushResult,
  RunEventInput,
  RuntimeEvent,
} from "@sandglass/protocol";
import { callHttp, type HttpAnswer, startDaemon, type TestDaemon } from "@sandglass/testkit";

const API_KEY = "test_0123456789abcdefghijklmnopqrstuvwxyzABCD";

/** One data directory, and one daemon after another that uses it. */
export class DoomedDaemon implements AsyncDisposable {
  kills = 0;
  readonly #dataDir: string;
  readonly #exporters: readonly ExporterSpec[];
  /** Undefined between two lives. */
  #daemon: TestDaemon | undefined;

  constructor(dataDir: string, exporters: readonly ExporterSpec[]) {
    this.#dataDir = dataDir;
    this.#exporters = exporters;
  }

  async start(): Promise<void> {
    this.#daemon = await startDaemon({
      dataDir: this.#dataDir,
      apiKeys: [API_KEY],
      env: { SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters: this.#exporters }) },
    });
  }

  async kill(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    await daemon?.kill();
    this.kills += 1;
    // Only takes away what a dead one left outside the data directory.
    await daemon?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.stop();
  }

  get isRunning(): boolean {
    return this.#daemon !== undefined;
  }

  /** True where the batch was acknowledged; false where nobody knows what became of it. */
  async addEvents(runId: string, events: readonly RunEventInput[]): Promise<boolean> {
    const answer = await this.#call(`POST /v1/runs/${runId}/events`, { events });
    if (answer !== undefined && answer.status !== 201) throw new Error(`${answer.status}: ${answer.text}`);
    return answer !== undefined;
  }

  /** Undefined where there is no daemon to ask. */
  async exporters(): Promise<ExporterInfo[] | undefined> {
    return (await this.#call("GET /v1/exporters"))?.json.items;
  }

  async flush(timeoutMs: number): Promise<FlushResult> {
    const answer = await this.#call("POST /v1/exporters/flush", { timeoutMs });
    if (answer?.status !== 200) throw new Error(`flush: ${answer?.status} ${answer?.text}`);
    return answer.json;
  }

  /** All that is in the record now. */
  async record(): Promise<RuntimeEvent[]> {
    const answer = await this.#call("GET /v1/events");
    if (answer?.status !== 200) throw new Error(`the record: ${answer?.status}`);
    const lines = answer.text.split("\n");
    if (lines.pop() !== "") throw new Error("the record ends in the middle of a line");
    return lines.map((line) => JSON.parse(line));
  }

  /** Undefined where the daemon is not there, or goes before it has answered. */
  async #call(line: string, json?: unknown): Promise<HttpAnswer | undefined> {
    const daemon = this.#daemon;
    if (daemon === undefined) return undefined;
    try {
      return await callHttp(daemon, line, json === undefined ? {} : { json });
    } catch (error) {
      if (daemon === this.#daemon) throw error;
      return undefined;
    }
  }
}
