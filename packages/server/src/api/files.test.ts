import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import { callHttp, openHttp, startDaemon, startHttp, type TestDaemon } from "@sandglass/testkit";

const MIB = 1024 * 1024;
let daemon: TestDaemon;
let files: string;
before(async () => {
  daemon = await startDaemon();
  const { json } = await callHttp(daemon, "POST /v1/sandboxes", { json: { diskMb: 512 } });
  files = `/v1/sandboxes/${json.id}/files`;
});
after(() => daemon.stop());

test("what is written comes back, byte for byte, with its size, kind and permissions", async () => {
  const body = randomBytes(100_000);
  const put = await callHttp(daemon, `PUT ${files}/deep/er/a.bin?mode=755`, { body });
  assert.equal(put.status, 201);
  assert.deepEqual(
    [put.json.path, put.json.sizeBytes, put.json.mode, put.json.type],
    ["/workspace/deep/er/a.bin", 100_000, 0o755, "file"],
  );
  const response = await openHttp(daemon, `GET ${files}/deep/er/a.bin`);
  const { headers } = response;
  assert.deepEqual(
    [
      headers["content-length"],
      headers["content-type"],
      headers["x-file-mode"],
      headers["x-content-type-options"],
    ],
    ["100000", "application/octet-stream", "755", "nosniff"],
  );
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  assert.ok(Buffer.concat(chunks).equals(body));
  const head = await callHttp(daemon, `HEAD ${files}/deep/er/a.bin`);
  assert.deepEqual(
    [head.status, head.headers["content-length"], head.headers["x-file-type"], head.headers["x-file-mode"]],
    [200, "100000", "file", "755"],
  );
  assert.ok(!Number.isNaN(Date.parse(head.headers["last-modified"] ?? "")));
});

test("a path begins in the working directory unless its slash is sent, whatever its characters", async () => {
  const name = "ü b%c#d?e&f+g.txt";
  const encoded = encodeURIComponent(name);
  await callHttp(daemon, `PUT ${files}/${encoded}`, { body: "x" });
  for (const path of [
    encoded,
    `./${encoded}`,
    `%2Fworkspace/${encoded}`,
    `%2Fworkspace%2F${encoded}`,
    `/workspace/${encoded}`,
  ]) {
    const { status, text } = await callHttp(daemon, `GET ${files}/${path}`);
    assert.deepEqual([status, text], [200, "x"], path);
  }
  for (const query of ["", "?path=/workspace", "?path=."]) {
    const { json } = await callHttp(daemon, `GET ${files}${query}`);
    assert.ok(json.items.some((item: { name: string }) => item.name === name));
  }
});

test("an empty file, an empty body and no content type are fine", async () => {
  assert.equal((await callHttp(daemon, `PUT ${files}/empty`, { body: "" })).json.sizeBytes, 0);
  const { status, text, headers } = await callHttp(daemon, `GET ${files}/empty`);
  assert.deepEqual([status, text, headers["content-length"]], [200, "", "0"]);
});

test("a file is moved and removed, a directory made, listed and removed with what is in it", async () => {
  await callHttp(daemon, `PUT ${files}/old.txt`, { body: "x" });
  const moved = await callHttp(daemon, `POST ${files}/move`, {
    json: { from: "/workspace/old.txt", to: "/workspace/new.txt" },
  });
  assert.deepEqual([moved.status, moved.json.path], [200, "/workspace/new.txt"]);
  assert.equal((await callHttp(daemon, `DELETE ${files}/new.txt`)).status, 204);
  assert.equal((await callHttp(daemon, `GET ${files}/new.txt`)).json.error.code, "FILE_NOT_FOUND");
  const made = await callHttp(daemon, `POST ${files}/mkdir`, { json: { path: "/workspace/x/y" } });
  assert.deepEqual([made.status, made.json.type], [201, "directory"]);
  await callHttp(daemon, `PUT ${files}/x/y/z`, { body: "z" });
  assert.equal((await callHttp(daemon, `GET ${files}/x`)).json.error.code, "FILE_CONFLICT");
  assert.equal((await callHttp(daemon, `DELETE ${files}/x?recursive=true`)).status, 204);
});

test("a large upload and download pass through the daemon without being held by it", async () => {
  const chunk = randomBytes(MIB);
  const total = 256;
  const before = await residentBytes();
  const hash = createHash("sha256");
  const upload = startHttp(daemon, `PUT ${files}/large`, {
    headers: { "transfer-encoding": "chunked" },
    isOpen: true,
  });
  for (let n = 0; n < total; n++) {
    hash.update(chunk);
    if (!upload.write(chunk)) await once(upload, "drain");
  }
  upload.end();
  const [answer] = (await once(upload, "response")) as [IncomingMessage];
  assert.equal(answer.statusCode, 201);
  answer.resume();
  const read = createHash("sha256");
  for await (const part of await openHttp(daemon, `GET ${files}/large`)) read.update(part as Buffer);
  assert.equal(read.digest("hex"), hash.digest("hex"));
  const grown = (await residentBytes()) - before;
  assert.ok(grown < 128 * MIB, `the daemon grew by ${Math.round(grown / MIB)} MiB over ${total} MiB`);
});

test("an upload that breaks off leaves no file behind", async () => {
  const upload = startHttp(daemon, `PUT ${files}/half`, {
    headers: { "content-length": String(10 * MIB) },
    isOpen: true,
  });
  upload.on("error", () => undefined);
  await new Promise<void>((resolve) => upload.write(randomBytes(MIB), () => resolve()));
  upload.destroy();
  // The next request for the same name is answered behind the clean-up or before the rename: either way there is none.
  assert.equal((await callHttp(daemon, `GET ${files}/half`)).json.error.code, "FILE_NOT_FOUND");
});

async function residentBytes(): Promise<number> {
  const { text } = await callHttp(daemon, "GET /metrics");
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
}
