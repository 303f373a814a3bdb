/**
 * An exporter of one's own: events POSTed as JSON to a server. Here that server is in the same file, and Sandglass runs
 * in this process; as root: `node examples/my-exporter.ts`.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ObservabilityExporter, PermanentError, Sandglass } from "@sandglass/server";

class MyExporter implements ObservabilityExporter {
  id = "my-exporter";
  #url = "";
  initialize({ url }: { url: string }) {
    this.#url = url;
  }
  async export(events: { type: string }[]) {
    const answer = await fetch(this.#url, { method: "POST", body: JSON.stringify(events) });
    if (answer.status === 400) throw new PermanentError(await answer.text());
    if (!answer.ok) throw new Error(`status ${answer.status}`);
  }
  async flush() {}
  async dispose() {}
}

// A server that is not there for its first two requests: nothing is lost by that.
let requests = 0;
const received: string[] = [];
const server = createServer(async (request, response) => {
  const body = await new Response(request as never).text();
  response.statusCode = ++requests <= 2 ? 503 : 200;
  if (response.statusCode === 200)
    received.push(...(JSON.parse(body) as { type: string }[]).map(({ type }) => type));
  response.end();
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

Sandglass.registerObservabilityExporter("my-exporter", () => new MyExporter());

const dataDir = await mkdtemp(join(tmpdir(), "sandglass-example-"));
const sandglass = await Sandglass.start({
  dataDir,
  observability: { exporters: [{ provider: "my-exporter", config: { url, flushIntervalMs: 50 } }] },
});
try {
  const sandbox = await sandglass.sandboxes.create({ template: "python" });
  const { stdout } = await sandbox.runCode("print(6 * 7)");
  await sandbox.close();
  console.log("the cell said", stdout.trim());
} finally {
  await sandglass.stop();
  server.close();
  await rm(dataDir, { recursive: true, force: true });
}
console.log("requests:", requests, "events:", received.join(" "));
