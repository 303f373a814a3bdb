import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { callContext, run, startRuntime } from "@sandglass/testkit";

const WHEEL = "sandglass_greeting-1.0-py3-none-any.whl";
/** A package in its smallest form, as every installer takes it (the wheel format, version 1.0). */
const MAKE = `
import sys, zipfile
info = "sandglass_greeting-1.0.dist-info/"
files = {
    "sandglass_greeting.py": "hello = 'installed through the proxy'\\n",
    info + "METADATA": "Metadata-Version: 2.1\\nName: sandglass-greeting\\nVersion: 1.0\\n",
    info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
files[info + "RECORD"] = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in files.items(): wheel.writestr(name, text)
`;

test("pip installs from an index that is allowed, and from no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sandglass-pip-"));
  await promisify(execFile)("python3", ["-c", MAKE, join(folder, WHEEL)]);
  const wheel = await readFile(join(folder, WHEEL));
  const sha256 = createHash("sha256").update(wheel).digest("hex");
  const index = createServer((request, response) => {
    if (request.url === `/${WHEEL}`) return response.end(wheel);
    response.setHeader("content-type", "text/html");
    response.end(`<a href="/${WHEEL}#sha256=${sha256}">${WHEEL}</a>`);
  });
  // Not 127.0.0.1, which programs inside do not ask the proxy for.
  await new Promise<void>((resolve) => void index.listen(0, "127.0.0.2", resolve));
  const at = `127.0.0.2:${(index.address() as AddressInfo).port}`;
  await using host = await startRuntime();
  try {
    const network = { egress: { allow: [at] } };
    const request = { template: "python", network } as const;
    const sandbox = await host.runtime.create(request, callContext(), { isTrusted: true });
    const install = (from: string) =>
      run(sandbox, {
        command: `python3 -m venv /tmp/v && /tmp/v/bin/pip install --no-input --retries 0 -i http://${from}/simple --trusted-host 127.0.0.2 sandglass-greeting && /tmp/v/bin/python -c 'import sandglass_greeting as g; print(g.hello)'`,
      });
    const allowed = await install(at);
    assert.match(
      allowed.stdout,
      /Successfully installed sandglass-greeting-1\.0\ninstalled through the proxy\n$/,
      allowed.stderr,
    );
    const reached = host.events
      .ofType("network.egress", sandbox.id)
      .map(({ data }) => [data.host, data.execId]);
    assert.deepEqual(new Set(reached.flat()), new Set(["127.0.0.2", allowed.exec.id]));
    const refused = await run(sandbox, {
      command: `/tmp/v/bin/pip download --no-input --retries 0 -d /tmp/d -i https://packages.example/simple sandglass-greeting`,
    });
    assert.notEqual(refused.exit.code, 0);
    assert.deepEqual(
      host.events
        .ofType("network.denied", sandbox.id)
        .map(({ data }) => [data.host, data.port, data.reason])[0],
      ["packages.example", 443, "not_allowed"],
    );
    await sandbox.terminate("user", callContext());
  } finally {
    index.close();
    await rm(folder, { recursive: true, force: true });
  }
});
