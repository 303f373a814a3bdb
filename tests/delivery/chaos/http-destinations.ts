import type { RuntimeEvent } from "@sandglass/protocol";
import { AxiomSink, type FaultyServer, type HttpFault, type Seeded, WebhookSink } from "@sandglass/testkit";
import type { Destination } from "./destination.ts";

/** What is taken and what is not: with the last two the client does not learn that it was. */
const FAULTS: readonly HttpFault[] = [
  { status: 503 },
  { status: 429, headers: { "retry-after": "1" } },
  { hang: true },
  { resetBeforeBody: true },
  { resetBeforeAnswer: true },
  { resetMidBody: true },
  { wrongContentType: true },
];

/** Says no, says nothing, hangs up, or is not there at all. */
export async function failHttp(server: FaultyServer, random: Seeded): Promise<() => Promise<void>> {
  if (random.int(4) === 0) {
    await server.down();
    return () => server.up();
  }
  const fault = random.pick(FAULTS);
  server.fault = fault;
  return async () => {
    server.fault = undefined;
  };
}

export async function axiomDestination(): Promise<Destination> {
  const sink = await AxiomSink.start();
  const config = { url: sink.url, token: sink.token, batchSize: 500, flushIntervalMs: 200, timeoutMs: 2_000 };
  return {
    exporter: { id: "axiom", provider: "axiom", config, filter: { minLevel: "info" }, startAt: "earliest" },
    wants: ({ level }) => level !== "debug",
    exactlyOnce: false,
    fail: (random) => failHttp(sink.server, random),
    copies: async () => new Map(sink.copies),
    [Symbol.asyncDispose]: () => sink.close(),
  };
}

export async function webhookDestination(): Promise<Destination> {
  const sink = await WebhookSink.start();
  const config = { url: sink.url, secret: sink.secret, flushIntervalMs: 100, timeoutMs: 2_000 };
  const where = 'type == "cost.llm" || data.toolName == "search"';
  const wants = ({ type, data }: RuntimeEvent): boolean =>
    type === "cost.llm" || ("toolName" in data && data.toolName === "search");
  return {
    exporter: { id: "webhook", provider: "webhook", config, filter: { where }, startAt: "earliest" },
    wants,
    exactlyOnce: false,
    fail: (random) => failHttp(sink.server, random),
    copies: async () => new Map(sink.copies),
    [Symbol.asyncDispose]: () => sink.close(),
  };
}
