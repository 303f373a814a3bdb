import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { writeLines } from "./line-stream.ts";

/** Serves one request with `answer` and gives the client's side of it. */
async function exchange(
  context: TestContext,
  answer: (response: ServerResponse) => Promise<void>,
): Promise<{ incoming: IncomingMessage; answered: Promise<void> }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    response.flushHeaders();
    answer(response).then(resolve, reject);
  });
  // A test that expects a failure may come to look at it later.
  promise.catch(() => undefined);
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0), "listening");
  const [incoming] = (await once(get({ port: (server.address() as AddressInfo).port }), "response")) as [
    IncomingMessage,
  ];
  return { incoming, answered: promise };
}

test("a line is out before the source has the next", async (context) => {
  const next = Promise.withResolvers<void>();
  async function* source() {
    yield "1\n";
    await next.promise;
    yield "2\n";
  }
  const { incoming, answered } = await exchange(context, (response) => writeLines(source(), response));
  const [first] = (await once(incoming, "data")) as [Buffer];
  assert.equal(first.toString(), "1\n");
  next.resolve();
  const [second] = (await once(incoming, "data")) as [Buffer];
  assert.equal(second.toString(), "2\n");
  await answered;
});

test("lines that are there at once are written together", async (context) => {
  async function* source() {
    for (let n = 0; n < 1000; n++) yield `${n}\n`;
  }
  let writes = 0;
  const { incoming, answered } = await exchange(context, (response) => {
    const { write } = response;
    response.write = ((chunk: string) => {
      writes++;
      return write.call(response, chunk, "utf8");
    }) as typeof response.write;
    return writeLines(source(), response);
  });
  let text = "";
  for await (const chunk of incoming) text += chunk;
  await answered;
  assert.equal(text, Array.from({ length: 1000 }, (_, n) => `${n}\n`).join(""));
  assert.ok(writes <= 1, `${writes} writes`);
});

test("a client that does not read holds the source back", async (context) => {
  let given = 0;
  const line = `${"x".repeat(64 * 1024)}\n`;
  async function* source() {
    for (; given < 4096; given++) {
      yield line;
      await new Promise(setImmediate);
    }
  }
  let response: ServerResponse | undefined;
  const { incoming, answered } = await exchange(context, (served) => {
    response = served;
    return writeLines(source(), served);
  });
  incoming.pause();
  // Full buffers, in the kernel too, are the condition to wait for: nothing more is asked for then.
  let before = -1;
  while (before !== given || response?.writableNeedDrain !== true) {
    before = given;
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  }
  assert.ok(given < 4096, `${given} lines of 64 KiB given`);
  assert.ok((response?.writableLength ?? 0) < 1024 * 1024);
  let size = 0;
  for await (const chunk of incoming) size += (chunk as Buffer).length;
  await answered;
  assert.equal(size, 4096 * line.length);
});

test("a client that goes ends the source", async (context) => {
  let isEnded = false;
  const gone = new AbortController();
  async function* source() {
    try {
      for (;;) {
        yield "x\n";
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
          gone.signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    } finally {
      isEnded = true;
    }
  }
  const { incoming, answered } = await exchange(context, (response) => {
    response.once("close", () => gone.abort());
    return writeLines(source(), response);
  });
  await once(incoming, "data");
  incoming.destroy();
  await answered;
  assert.ok(isEnded);
});

test("a source that fails is the caller's to hear of, and the answer is not ended as if it were whole", async (context) => {
  async function* source(): AsyncGenerator<string> {
    yield "1\n";
    throw new Error("lost");
  }
  const { answered } = await exchange(context, (response) =>
    writeLines(source(), response).finally(() => {
      assert.equal(response.writableEnded, false);
      response.destroy();
    }),
  );
  await assert.rejects(answered, /lost/);
});
