import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { makeCertificate, type TestDaemon } from "@sandglass/testkit";
import { connectHttp, connectStdio, startServing } from "./mcp-clients.ts";

let directory: string;
let authority: string;
let daemon: TestDaemon;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sandglass-mcp-tls-"));
  await makeCertificate(directory, "own");
  authority = join(directory, "own.pem");
  const tls = ["--tls-cert", authority, "--tls-key", join(directory, "own.key")];
  daemon = await startServing({ args: [...tls, "--pool", "python=0"] });
});
after(async () => {
  await daemon?.stop();
  await rm(directory, { recursive: true });
});

test("over stdio, the server speaks to a daemon whose certificate is of an authority of its own where it is told so", async () => {
  for (const trust of [{ args: ["--ca-file", authority] }, { env: { SANDGLASS_CA_FILE: authority } }]) {
    await using mcp = await connectStdio(daemon, trust);
    const { structured, text } = await mcp.call("run_command", { command: "echo served" });
    assert.equal(structured.stdout, "served\n", text);
  }
  await using mcp = await connectStdio(daemon);
  const { isError, text } = await mcp.call("run_command", { command: "echo served" });
  assert.equal(isError, true);
  assert.match(text, /not trusted[\s\S]*SANDGLASS_CA_FILE/);
});

test("over HTTP, /mcp reaches the daemon's own API whatever its certificate is", async () => {
  const trusted = getCACertificates("default");
  setDefaultCACertificates([...trusted, await readFile(authority, "utf8")]);
  try {
    await using mcp = await connectHttp(daemon);
    const { structured, text } = await mcp.call("run_command", { command: "echo served" });
    assert.equal(structured.stdout, "served\n", text);
  } finally {
    setDefaultCACertificates(trusted);
  }
});
