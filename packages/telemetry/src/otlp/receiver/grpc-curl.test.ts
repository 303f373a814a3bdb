import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { grpcMessage, TRACES_PATH } from "./testing/grpc-frames.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const hasCurl = / HTTP2 /.test(spawnSync("curl", ["--version"], { encoding: "utf8" }).stdout ?? "");

test("curl gets through, whose HTTP/2 is not Node's", { skip: !hasCurl && "there is no curl" }, async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const folder = await mkdtemp(join(tmpdir(), "sandglass-curl-"));
  const file = join(folder, "request");
  await writeFile(file, grpcMessage(spanBatch(5000)));
  try {
    const url = `http://127.0.0.1:${port}${TRACES_PATH}`;
    const headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
    const curl = ["--silent", "--include", "--max-time", "20", "--http2-prior-knowledge"];
    const { stdout } = await promisify(execFile)("curl", [
      ...curl,
      ...headers,
      "--data-binary",
      `@${file}`,
      url,
    ]);
    assert.match(stdout, /^HTTP\/2 200/);
    assert.match(stdout, /grpc-status: 0/);
    assert.equal(harness.sink.requests[0]?.items, 5000);
  } finally {
    await rm(folder, { recursive: true });
  }
});
