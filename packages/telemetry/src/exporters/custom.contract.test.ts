import type { RuntimeEvent } from "@sandglass/protocol";
import {
  type ExporterHarness,
  exporterContract,
  FaultyServer,
  HttpFront,
  NO_FILES,
} from "@sandglass/testkit";
import type { ObservabilityExporter } from "./custom/observability-exporter.ts";
import { customDefinition } from "./custom.ts";
import { PermanentError } from "./permanent-error.ts";

const TOKEN = "custom-contract-4711";
const YES = { status: 200, headers: { "content-type": "text/plain" }, body: "thank you for all of these" };

exporterContract("custom", {
  guarantees: { exactlyOnce: false, order: "total" },
  excused: {
    ...NO_FILES,
    retryAfter: "an error that is thrown names no time",
    partialSuccess: "an exporter of a user's takes all or nothing",
  },
  start: customHarness,
});

/** What a user may write, with the mistake that it says its token in every error. */
class PostingExporter implements ObservabilityExporter {
  readonly id = "posting";
  #url = "";
  #token = "";

  initialize({ url, token }: { url: string; token: string }): void {
    this.#url = url;
    this.#token = token;
  }

  async export(events: RuntimeEvent[]): Promise<void> {
    const answer = await this.#post(JSON.stringify(events));
    const said = `${await answer.text()} (${answer.status}, ${answer.headers.get("content-type")}, ${this.#token})`;
    if (answer.status === 400) throw new PermanentError(said);
    if (answer.status !== YES.status || said.includes("html")) throw new Error(said);
  }

  async flush(): Promise<void> {}

  async dispose(): Promise<void> {}

  async #post(body: string): Promise<Response> {
    try {
      return await fetch(this.#url, { method: "POST", body });
    } catch (error) {
      const { code, message } = (error as Error).cause as NodeJS.ErrnoException;
      throw new Error(`${code} ${message} (${this.#token})`);
    }
  }
}

async function customHarness(): Promise<ExporterHarness> {
  const received: RuntimeEvent[] = [];
  const sink = await FaultyServer.start(({ body }) => {
    received.push(...JSON.parse(body.toString("utf8")));
    return YES;
  });
  const configAt = (url: string) => ({
    url,
    token: { env: "CUSTOM_TOKEN" },
    batchSize: 20,
    flushIntervalMs: 10,
  });
  const front = await HttpFront.start(sink.url, { configAt, yes: YES });
  const { retryAfter: _, ...faults } = front.faults;
  return {
    definition: customDefinition("posting", () => new PostingExporter()),
    config: () => configAt(front.origin),
    env: { CUSTOM_TOKEN: TOKEN },
    secrets: [TOKEN],
    faults,
    received: async () => received.map((event) => ({ ...event, event })),
    async close() {
      await front[Symbol.asyncDispose]();
      await sink.close();
    },
  };
}
