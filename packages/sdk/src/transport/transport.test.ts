import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { ConnectionError, SandglassError, TimeoutError } from "../errors.ts";
import { answerJson, type Script, ScriptedServer } from "../scripted-server.ts";
import { Transport, type TransportOptions } from "./transport.ts";

function transportTo(baseUrl: string, options: Partial<TransportOptions> = {}): Transport {
  return new Transport({ baseUrl, apiKey: () => "sgk_1", userAgent: "test", ...options });
}

const cutThenAnswer: Script = (_request, response, count) => {
  if (count < 3) response.socket?.resetAndDestroy();
  else answerJson(response, { count });
};

test("a call whose connection is reset is sent again, a POST with the same Idempotency-Key", async () => {
  await using server = await ScriptedServer.start(cutThenAnswer);
  const { value } = await transportTo(server.url).json({ route: "startRun", json: { name: "x" } });
  assert.deepEqual(value, { count: 3 });
  const keys = new Set(server.requests.map(({ headers }) => headers["idempotency-key"]));
  assert.equal(keys.size, 1);
  assert.match(String([...keys][0]), /^[0-9a-f-]{36}$/);
});

test("an answer cut in its middle is asked for again as a whole", async () => {
  await using server = await ScriptedServer.start((_request, response, count) => {
    if (count > 1) return answerJson(response, { items: [1, 2] });
    response.writeHead(200, { "content-length": 100 });
    response.write('{"items":', () => response.destroy());
  });
  const { value } = await transportTo(server.url).json({ route: "listKeys" });
  assert.deepEqual(value, { items: [1, 2] });
});

test("a connection that is reset again and again ends in a ConnectionError with the socket's error as its cause", async () => {
  await using server = await ScriptedServer.start(
    (_request, response) => void response.socket?.resetAndDestroy(),
  );
  await assert.rejects(transportTo(server.url).json({ route: "listKeys" }), (error: unknown) => {
    assert.ok(error instanceof ConnectionError && error instanceof SandglassError);
    assert.equal(error.code, "CONNECTION_FAILED");
    assert.equal((error.cause as NodeJS.ErrnoException).code, "ECONNRESET");
    return true;
  });
  assert.equal(server.requests.length, 4);
});

test("an upload from an iterable is never sent twice", async () => {
  await using server = await ScriptedServer.start(cutThenAnswer);
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a");
  }
  const call = { route: "writeFile", params: { id: "x", path: "f" }, bytes: content() } as const;
  await assert.rejects(transportTo(server.url).json(call), ConnectionError);
  assert.equal(server.requests.length, 1);
});

test("where nothing listens the error asks whether the daemon runs and says how to start it", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as { port: number };
  await new Promise((resolve) => holder.close(resolve));
  await assert.rejects(
    transportTo(`http://127.0.0.1:${port}`).json({ route: "doctor" }),
    (error: unknown) => {
      assert.ok(error instanceof ConnectionError);
      assert.match(error.hint ?? "", /sandglass serve/);
      return true;
    },
  );
});

test("an error answer becomes the catalogue's error with code, hint and request id", async () => {
  const error = { code: "SANDBOX_NOT_FOUND", message: "no sandbox x", hint: "list them", requestId: "req_7" };
  await using server = await ScriptedServer.start((_request, response) =>
    answerJson(response, { error }, 404),
  );
  await assert.rejects(transportTo(server.url).json({ route: "getSandbox", params: { id: "x" } }), {
    name: "SandglassError",
    ...error,
  });
});

test("an answer that is not the catalogue's keeps its words and gets the nearest code", async () => {
  await using server = await ScriptedServer.start((_request, response, count) => {
    response.writeHead(count === 1 ? 502 : 418, { "x-request-id": "req_p" });
    response.end(
      count === 1 ? "<h1>Bad Gateway</h1>" : '{"error":{"code":"TEAPOT","message":"short and stout"}}',
    );
  });
  const transport = transportTo(server.url);
  const proxy = { code: "CONNECTION_FAILED", message: /Bad Gateway/, requestId: "req_p" };
  await assert.rejects(transport.json({ route: "doctor" }), proxy);
  await assert.rejects(transport.json({ route: "doctor" }), {
    code: "INVALID_REQUEST",
    message: /TEAPOT: short/,
  });
});

test("the code and the words of an answer without a body come from its headers", async () => {
  const words = ["no%20%C3%A4", "100%", undefined];
  await using server = await ScriptedServer.start((_request, response, count) => {
    const message = words[count - 1];
    const headers = { "x-error-code": "FILE_NOT_FOUND", ...(message && { "x-error-message": message }) };
    response.writeHead(404, headers).end();
  });
  const call = { route: "statFile", params: { id: "x", path: "/a" } } as const;
  for (const message of ["no \u00e4", ...Array(2).fill("the server answered 404 (FILE_NOT_FOUND)")])
    await assert.rejects(transportTo(server.url).bytes(call), { code: "FILE_NOT_FOUND", message });
});

test("where a key was looked for is said where none was found", async () => {
  await using server = await ScriptedServer.start((_request, response) => {
    response.writeHead(401, { "x-error-code": "UNAUTHORIZED" }).end();
  });
  const asked = (apiKey: string | undefined): Promise<unknown> =>
    transportTo(server.url, { apiKey: () => apiKey }).json({ route: "doctor" });
  await assert.rejects(asked(undefined), (error: SandglassError) => {
    assert.ok(error.hint?.startsWith(`there is no key for ${server.url} in /`), error.hint);
    return true;
  });
  await assert.rejects(asked("sgk_other"), { code: "UNAUTHORIZED", hint: undefined });
});

test("https to what speaks http says so", async () => {
  await using server = await ScriptedServer.start((_request, response) => void response.end());
  await assert.rejects(transportTo(server.url.replace("http:", "https:")).json({ route: "doctor" }), {
    code: "CONNECTION_FAILED",
    message: /speaks http, not https/,
  });
});

test("an answer that does not begin, or does not end, within the limit is a TimeoutError", async () => {
  await using server = await ScriptedServer.start((_request, response, count) => {
    if (count === 2) response.writeHead(200).write("{");
  });
  const transport = transportTo(server.url, { requestTimeoutMs: 50 });
  await assert.rejects(transport.json({ route: "doctor" }), TimeoutError);
  await assert.rejects(transport.json({ route: "doctor" }), TimeoutError);
});

test("aborting rejects with the signal's own reason, before the answer and during it", async () => {
  const reason = new Error("changed my mind");
  let controller = new AbortController();
  await using server = await ScriptedServer.start((_request, response, count) => {
    if (count === 2) response.writeHead(200).write("{");
    setImmediate(() => controller.abort(reason));
  });
  const transport = transportTo(server.url);
  await assert.rejects(transport.json({ route: "doctor", signal: controller.signal }), reason);
  controller = new AbortController();
  await assert.rejects(transport.json({ route: "doctor", signal: controller.signal }), reason);
  await assert.rejects(transport.json({ route: "doctor", signal: controller.signal }), reason);
  assert.equal(server.requests.length, 2, "an aborted signal sends nothing");
});

test("calls one after the other share one connection, errors included", async () => {
  await using server = await ScriptedServer.start((_request, response, count) => {
    answerJson(response, { error: { code: "INTERNAL", message: "m" } }, count % 2 ? 200 : 500);
  });
  const transport = transportTo(server.url);
  for (let index = 0; index < 10; index++) await transport.json({ route: "doctor" }).catch(() => undefined);
  assert.equal(server.connections, 1);
});

test("a body is announced with its length, and an empty POST too", async () => {
  await using server = await ScriptedServer.start((_request, response) => answerJson(response, {}));
  const transport = transportTo(`${server.url}`);
  await transport.json({ route: "startRun", json: { name: "ä" } });
  await transport.json({ route: "pauseSandbox", params: { id: "x" } });
  const [first, second] = server.requests;
  assert.equal(first?.headers["content-length"], "13");
  assert.equal(first?.headers.authorization, "Bearer sgk_1");
  assert.equal(second?.headers["content-length"], "0");
  assert.equal(second?.headers["transfer-encoding"], undefined);
});

test("an upload is refused early without being sent to its end", async () => {
  const net = await import("node:http");
  const server = net.createServer((_request, response) => {
    answerJson(response, { error: { code: "DISK_FULL", message: "no room", requestId: "r" } }, 507);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  let sent = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      sent += 1;
      yield Buffer.alloc(64 * 1024);
    }
  }
  const call = {
    route: "writeFile",
    params: { id: "x", path: "f" },
    bytes: endless(),
    timeoutMs: 0,
  } as const;
  await assert.rejects(transportTo(`http://127.0.0.1:${port}`).json(call), { code: "DISK_FULL" });
  assert.ok(sent < 10_000);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a key that cannot stand in a header is refused as the caller's mistake, without being repeated", async () => {
  const transport = transportTo("http://127.0.0.1:9", { apiKey: () => "sgk_secret\n" });
  await assert.rejects(transport.json({ route: "doctor" }), (error: unknown) => {
    assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST");
    assert.doesNotMatch(error.message, /sgk_secret/);
    return true;
  });
});

test("a host that is none is said", async () => {
  await assert.rejects(transportTo("http://no-such-host.invalid:1").json({ route: "doctor" }), {
    code: "CONNECTION_FAILED",
    message: /cannot be resolved/,
  });
});

test("what does not answer in JSON is no daemon", async () => {
  await using server = await ScriptedServer.start((_request, response) => void response.end("<html>"));
  await assert.rejects(transportTo(server.url).json({ route: "doctor" }), {
    code: "CONNECTION_FAILED",
    message: /does not answer in JSON/,
  });
});
