// An agent's own process, as a user writes it: OpenTelemetry's SDK and the client, told where to send by the environment alone. Prints what
// the code in its sandbox wrote.
import { Client } from "sandglass";
import { loadBesideClient } from "./host-sdk.ts";

const { NodeSDK } = loadBesideClient("@opentelemetry/sdk-node") as {
  NodeSDK: new () => { start(): void; shutdown(): Promise<void> };
};
const { trace } = loadBesideClient("@opentelemetry/api") as {
  trace: {
    getTracer(name: string): {
      startActiveSpan<T>(name: string, work: (span: { end(): void }) => Promise<T>): Promise<T>;
    };
  };
};

const sdk = new NodeSDK();
sdk.start();
const client = new Client();
await trace.getTracer("agent").startActiveSpan("agent step", async (span) => {
  await using sandbox = await client.createSandbox("plain");
  const { stdout, stderr } = await sandbox.commands.run("python3 /opt/inside/traced.py work child");
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  span.end();
});
await client.close();
await sdk.shutdown();
