import {
  AxiomSink,
  bodyOf,
  type ExporterHarness,
  exporterContract,
  HttpFront,
  NO_FILES,
} from "@sandglass/testkit";
import { axiom } from "./axiom.ts";

const TOKEN = "xaat-contract-4711";

exporterContract("axiom", {
  guarantees: { exactlyOnce: false, order: "none" },
  mayRunInThread: true,
  excused: NO_FILES,
  start: axiomHarness,
});

async function axiomHarness(): Promise<ExporterHarness> {
  const sink = await AxiomSink.start({ token: TOKEN });
  const configAt = (url: string) => ({
    url,
    token: { env: "TOKEN_OF_AXIOM" },
    batchSize: 20,
    flushIntervalMs: 10,
  });
  const front = await HttpFront.start(sink.url, {
    configAt,
    yes: {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ingested: 1, failed: 0, failures: [], processedBytes: 1 }),
    },
    refuseSome(request, marker) {
      const lines = bodyOf(request).toString("utf8").split("\n");
      for (const line of lines) if (line.includes(marker)) sink.failIds.add(JSON.parse(line).id);
    },
  });
  const { wrongContentType } = front.faults;
  return {
    definition: axiom,
    config: () => configAt(front.origin),
    env: { TOKEN_OF_AXIOM: TOKEN },
    secrets: [TOKEN],
    maxEventBytes: 1024 * 1024,
    faults: {
      ...front.faults,
      wrongContentType: async () => ({
        ...(await wrongContentType!()),
        says: /without the status of an ingest/,
      }),
    },
    async received() {
      return [...sink.events.values()].flatMap(({ _time, ...event }) => {
        const known = { id: event.id, sandboxId: String(event.sandboxId), seq: Number(event.seq) };
        return Array.from({ length: sink.copies.get(event.id) ?? 0 }, () => ({
          ...known,
          event: event as never,
        }));
      });
    },
    async close() {
      await front[Symbol.asyncDispose]();
      await sink.close();
    },
  };
}
