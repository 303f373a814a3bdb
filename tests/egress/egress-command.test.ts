import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startDaemon } from "@sandglass/testkit";

const CLI = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const FLAGS = ["--disable-warning=ExperimentalWarning", CLI];

test("what sandboxes reached is summed up by the CLI, with the list that would have let them, and counted by the daemon", async () => {
  const server = createServer((_request, response) => response.end("reached"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.2", resolve));
  const at = `127.0.0.2:${(server.address() as AddressInfo).port}`;
  await using daemon = await startDaemon({ args: ["--pool", "python=0"] });
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey, NO_COLOR: "1" };
  const cli = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [...FLAGS, ...args], { env })).stdout;
  try {
    const id = (await cli("create", "-t", "bash", "--allow", `${at},pypi.example`)).trim();
    const command = `curl -sS http://${at}/x; curl -sS https://other.example/; curl -sS -o /tmp/x -x http://127.0.0.1:3128 ftp://x/ || true`;
    assert.equal(await cli("exec", id, "--", "sh", "-c", command), "reached");
    await cli("rm", id);
    const { network, destinations, unnamed } = JSON.parse(await cli("egress", "--sandbox", id, "--json"));
    assert.deepEqual(network, { egress: { default: "deny", allow: [at, "other.example"].toSorted() } });
    assert.deepEqual(
      destinations.map((each: { host: string; allowed: number; denied: number; execIds: string[] }) => [
        each.host,
        each.allowed,
        each.denied,
        each.execIds.length,
      ]),
      [
        ["127.0.0.2", 1, 0, 1],
        ["other.example", 0, 1, 1],
        ["", 0, 1, 1],
      ],
    );
    assert.equal(unnamed, 1);
    const noted = await promisify(execFile)(process.execPath, [...FLAGS, "egress"], { env });
    assert.match(noted.stderr, /^– stands for 1 refused requests of which no destination is known/m);
    const shown = noted.stdout;
    assert.match(shown, /^DESTINATION +ALLOWED +DENIED/);
    assert.match(shown, /other\.example:443 +0 +1 .*not_allowed/);
    const metrics = await (
      await fetch(`${daemon.url}/metrics`, { headers: { authorization: `Bearer ${daemon.apiKey}` } })
    ).text();
    assert.match(metrics, /^sandglass_egress_connections_total 1$/m);
    assert.match(metrics, /^sandglass_egress_denied_total\{reason="not_allowed"\} 1$/m);
  } finally {
    server.close();
  }
});
