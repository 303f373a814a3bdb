import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./client.ts";
import { ConnectionError } from "./errors.ts";
import type { Sandbox } from "./sandbox.ts";
import { answerJson, type Script, ScriptedServer, sandboxInfo } from "./scripted-server.ts";

async function withFiles(script: Script): Promise<{ server: ScriptedServer; sandbox: Sandbox }> {
  const server = await ScriptedServer.start((request, response, count) =>
    request.url === "/v1/sandboxes"
      ? answerJson(response, sandboxInfo(), 201)
      : script(request, response, count),
  );
  return { server, sandbox: await new Client({ baseUrl: server.url, apiKey: "k" }).createSandbox() };
}

test("text, bytes and iterables are written as their bytes, with the mode in octal", async () => {
  const { server, sandbox } = await withFiles((_request, response) => answerJson(response, {}, 201));
  await using _ = server;
  async function* pieces(): AsyncGenerator<string | Uint8Array> {
    yield "ä";
    yield Buffer.from("b");
  }
  await sandbox.files.write("/workspace/run.sh", "echo ä", { mode: 0o755 });
  await sandbox.files.write("b", Buffer.from([104, 105]));
  await sandbox.files.write("c", pieces());
  const [, first, second, third] = server.requests;
  assert.equal(first?.url.split("/files/")[1], "%2Fworkspace/run.sh?mode=755");
  assert.deepEqual([first?.body, second?.body, third?.body], ["echo ä", "hi", "äb"]);
  assert.equal(third?.headers["transfer-encoding"], "chunked");
});

test("a source that fails while it is uploaded rejects with its own error", async () => {
  const { server, sandbox } = await withFiles((_request, response) => answerJson(response, {}, 201));
  await using _ = server;
  const broken = new Error("disk of mine");
  async function* pieces(): AsyncGenerator<string> {
    yield "a";
    throw broken;
  }
  await assert.rejects(sandbox.files.write("c", pieces()), broken);
});

test("a download that ends early is an error, never a short file", async () => {
  const { server, sandbox } = await withFiles((_request, response) => {
    response.writeHead(200, { "content-length": 10 });
    response.write("01234", () => response.destroy());
  });
  await using _ = server;
  const chunks: Buffer[] = [];
  await assert.rejects(async () => {
    for await (const chunk of await sandbox.files.readStream("f")) chunks.push(chunk);
  }, ConnectionError);
  assert.equal(Buffer.concat(chunks).toString(), "01234");
  await assert.rejects(sandbox.files.read("f"), ConnectionError);
});

test("stat reads the headers, and a path without a file does not exist", async () => {
  const { server, sandbox } = await withFiles((request, response) => {
    if (request.url.endsWith("gone"))
      return void response.writeHead(404, { "x-error-code": "FILE_NOT_FOUND" }).end();
    if (request.url.endsWith("closed"))
      return void response.writeHead(422, { "x-error-code": "FILE_ERROR" }).end();
    response.writeHead(200, {
      "content-length": 1234,
      "x-file-type": "file",
      "x-file-mode": "0755",
      "last-modified": "Tue, 02 Jun 2026 10:00:00 GMT",
    });
    response.end();
  });
  await using _ = server;
  assert.deepEqual(await sandbox.files.stat("data/a.csv"), {
    name: "a.csv",
    path: "/workspace/data/a.csv",
    type: "file",
    sizeBytes: 1234,
    mode: 0o755,
    modifiedAt: "2026-06-02T10:00:00.000Z",
  });
  assert.equal(await sandbox.files.exists("a"), true);
  assert.equal(await sandbox.files.exists("gone"), false);
  await assert.rejects(sandbox.files.exists("closed"), { code: "FILE_ERROR" });
});
