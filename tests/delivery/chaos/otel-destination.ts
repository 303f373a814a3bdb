import { createRequire } from "node:module";
import { FaultyServer, forwardHttp } from "@sandglass/testkit";
import type { Destination } from "./destination.ts";
import { failHttp } from "./http-destinations.ts";

interface MockServer {
  readonly httpUrl: URL;
  start(): Promise<void>;
  close(): Promise<void>;
}
// Its types need more than it brings along.
const { MockOtlpServer } = createRequire(import.meta.url)("@elastic/mockotlpserver") as {
  MockOtlpServer: new (options: object) => MockServer;
};

/** What of an export of logs is looked at. */
interface LogsRequest {
  resourceLogs: {
    scopeLogs: { logRecords: { attributes: { key: string; value: { stringValue?: string } }[] }[] }[];
  }[];
}

/** An OTLP server of another house, behind one that misbehaves. Every event is a log record with the event's id. */
export async function otelDestination(): Promise<Destination> {
  const copies = new Map<string, number>();
  const mock = new MockOtlpServer({
    ...{ logLevel: "warn", services: ["http"], httpHostname: "127.0.0.1", httpPort: 0 },
    onLogs(request: LogsRequest) {
      for (const id of idsIn(request)) copies.set(id, (copies.get(id) ?? 0) + 1);
    },
  });
  await mock.start();
  const server = await FaultyServer.start((call) => forwardHttp(mock.httpUrl.origin, call));
  const config = { endpoint: server.url, protocol: "http/protobuf", flushIntervalMs: 100, timeoutMs: 2_000 };
  return {
    exporter: {
      ...{ id: "otel", provider: "otel", config, startAt: "earliest" },
      filter: { types: ["agent.*", "cost.*"] },
    },
    wants: ({ type }) => type.startsWith("agent.") || type.startsWith("cost."),
    exactlyOnce: false,
    fail: (random) => failHttp(server, random),
    copies: async () => new Map(copies),
    async [Symbol.asyncDispose]() {
      await server.close();
      await mock.close();
    },
  };
}

function idsIn({ resourceLogs }: LogsRequest): string[] {
  return resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.flatMap(({ attributes }) => {
        const id = attributes.find(({ key }) => key === "sandglass.event.id");
        return id?.value.stringValue ?? [];
      }),
    ),
  );
}
