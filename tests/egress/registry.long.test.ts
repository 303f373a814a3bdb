import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { test } from "node:test";
import { isPublicIp, parseIpAddress } from "@sandglass/protocol";
import { callContext, run, startRuntime } from "@sandglass/testkit";

const NAMES = ["pypi.org", "files.pythonhosted.org"];
/** Where a host that itself answers for the registry has its authority. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Why the registry cannot be reached from this machine. */
async function missing(): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch("https://pypi.org/simple/six/", {
      signal: AbortSignal.timeout(20_000),
    });
    return ok ? undefined : `pypi.org answers ${status}`;
  } catch (error) {
    return `pypi.org cannot be reached: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`;
  }
}

/** Names, and their addresses where those are not public, as behind a mirror. */
async function rules(): Promise<string[]> {
  const found = await Promise.all(NAMES.map((name) => lookup(name, { all: true })));
  const addresses = found.flat().map(({ address }) => address);
  return [...NAMES, ...new Set(addresses.filter((address) => !isPublicIp(parseIpAddress(address)!)))];
}

const offline = await missing();

test("pip installs a package of the registry's by its name", {
  skip: offline,
  timeout: 300_000,
}, async () => {
  await using host = await startRuntime();
  const network = { egress: { allow: await rules() } };
  const request = { template: "python", network, memoryMb: 512 } as const;
  const sandbox = await host.runtime.create(request, callContext(), { isTrusted: true });
  const installed = await run(sandbox, {
    command:
      "python3 -m venv /tmp/v && /tmp/v/bin/pip install --no-input six && /tmp/v/bin/python -c 'import six; print(six.moves.range(3)[2])'",
    env: { PIP_CERT: CERTIFICATES },
  });
  assert.match(installed.stdout, /Successfully installed six-[\d.]+\n(?:.*\n)*2\n$/, installed.stderr);
  const other = await run(sandbox, { command: "curl -sS https://api.github.com/" });
  assert.match(other.stderr, /403/);
  await sandbox.terminate("user", callContext());
  const reached = host.events.ofType("network.egress", sandbox.id).map(({ data }) => data);
  assert.deepEqual(
    new Set(reached.map((data) => `${data.host}:${data.port} ${data.execId}`)),
    new Set(NAMES.map((name) => `${name}:443 ${installed.exec.id}`)),
  );
  assert.ok(reached.reduce((sum, { bytesIn }) => sum + bytesIn, 0) > 10_000);
  assert.deepEqual(
    host.events.ofType("network.denied", sandbox.id).map(({ data }) => [data.host, data.reason, data.execId]),
    [["api.github.com", "not_allowed", other.exec.id]],
  );
});
