import { type ExporterHarness, exporterContract, HttpFront, NO_FILES, WebhookSink } from "@sandglass/testkit";
import { webhook } from "./webhook.ts";

const SECRET = `whsec_${Buffer.alloc(32, "the contract's own").toString("base64")}`;

exporterContract("webhook", {
  guarantees: { exactlyOnce: false, order: "sandbox" },
  mayRunInThread: true,
  excused: {
    ...NO_FILES,
    wrongContentType: "any 2xx is a yes, whatever stands in the answer",
    partialSuccess: "a receiver takes all or nothing",
  },
  start: webhookHarness,
});

async function webhookHarness(): Promise<ExporterHarness> {
  const sink = await WebhookSink.start({ secrets: [SECRET] });
  const configAt = (origin: string) => ({
    url: `${origin}/hook`,
    secret: { env: "HOOK_SECRET" },
    batchSize: 20,
    flushIntervalMs: 10,
  });
  const yes = { status: 200, body: "Thank you very much for everything." };
  const front = await HttpFront.start(sink.url, { configAt, yes });
  const { wrongContentType: _, ...faults } = front.faults;
  return {
    definition: webhook,
    config: () => configAt(front.origin),
    env: { HOOK_SECRET: SECRET },
    secrets: [SECRET, SECRET.slice("whsec_".length)],
    faults,
    received: async () =>
      sink.messages.flatMap(({ events }) => events.map((event) => ({ ...event, event: event as never }))),
    async close() {
      await front[Symbol.asyncDispose]();
      await sink.close();
    },
  };
}
