import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { startDaemon } from "@sandglass/testkit";
import { Client, type RuntimeEvent, type TraceSpan } from "sandglass";

/** A real daemon, and a client whose calls are all in one trace, below a span that stands for the agent's own. */
export class AdapterDaemon implements AsyncDisposable {
  readonly client: Client;
  readonly traceId = randomBytes(16).toString("hex");
  readonly spanId = randomBytes(8).toString("hex");
  readonly #daemon: Awaited<ReturnType<typeof startDaemon>>;

  private constructor(daemon: Awaited<ReturnType<typeof startDaemon>>) {
    this.#daemon = daemon;
    this.client = new Client({
      baseUrl: daemon.url,
      apiKey: daemon.apiKey,
      traceparent: `00-${this.traceId}-${this.spanId}-01`,
    });
  }

  static async start(): Promise<AdapterDaemon> {
    return new AdapterDaemon(await startDaemon());
  }

  /** All that was recorded of the trace. Whoever calls has closed the tool before: its events are in then. */
  async events(traceId = this.traceId): Promise<RuntimeEvent[]> {
    const events: RuntimeEvent[] = [];
    for await (const event of this.client.events({ traceId })) if ("seq" in event) events.push(event);
    return events;
  }

  /** The names of the spans from below the agent's own down to each `sandbox.execute`, e.g. `["invoke_agent x", …]`. */
  async pathsToExecs(): Promise<string[][]> {
    const { spans } = await this.client.traces.get(this.traceId);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    return spans
      .filter(({ name }) => name === "sandbox.execute")
      .map((exec) => {
        const path: string[] = [];
        for (let span: TraceSpan | undefined = exec; span !== undefined; span = byId.get(span.parentSpanId)) {
          path.unshift(span.name);
          if (span.parentSpanId === this.spanId) return path;
        }
        return assert.fail(`${path.join(" < ")} does not hang below the agent's span`);
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#daemon.stop();
  }
}

/** What each adapter's trace has to be; the first request is the one that opens the run. */
export function expectedPath(framework: string): string[] {
  return ["http_request", `invoke_agent ${framework}`, "agent.tool_call", "http_request", "sandbox.execute"];
}
