import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestDaemon } from "@sandglass/testkit";
import { startServing } from "./mcp-clients.ts";

const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
/** Those of the official suite that ask nothing of a reference server's own tools, prompts and resources. */
const SCENARIOS = [
  "server-initialize",
  "ping",
  "tools-list",
  "server-sse-multiple-streams",
  "dns-rebinding-protection",
];

let daemon: TestDaemon;
/** The suite sends no key: this one does, and changes nothing else. */
const front = createServer((incoming, outgoing) => {
  const { hostname, port } = new URL(daemon.url);
  const headers = { ...incoming.headers, authorization: `Bearer ${daemon.apiKey}` };
  const onward = request(
    { hostname, port, method: incoming.method, path: incoming.url, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
});
before(async () => {
  daemon = await startServing();
  await once(front.listen(0, "127.0.0.1"), "listening");
});
after(async () => {
  front.closeAllConnections();
  front.close();
  await daemon.stop();
});

for (const scenario of SCENARIOS) {
  test(`the conformance suite's "${scenario}" passes`, async () => {
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/mcp`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [SUITE, "server", "--url", url, "--scenario", scenario],
      {
        timeout: 60_000,
      },
    );
    assert.match(stdout, /Passed: [1-9]\d*\/|[1-9]\d* passed, 0 failed/);
    assert.doesNotMatch(stdout, /[1-9]\d* failed/);
  });
}
