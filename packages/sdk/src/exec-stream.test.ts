import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@sandglass/protocol";
import { Client } from "./client.ts";
import { StreamError } from "./errors.ts";
import type { Sandbox } from "./sandbox.ts";
import {
  answerJson,
  beginStream,
  countingLines,
  EXEC_ID,
  type Script,
  ScriptedServer,
  sandboxInfo,
} from "./scripted-server.ts";

async function sandboxOn(server: ScriptedServer): Promise<Sandbox> {
  return new Client({ baseUrl: server.url, apiKey: "k", streamRetries: 4 }).createSandbox("python");
}

/** Creates go well; everything else is the test's. */
function withSandbox(script: Script): Script {
  let count = 0;
  return (request, response) => {
    if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
    count += 1;
    return script(request, response, count);
  };
}

const afterOf = (url: string): number => Number(new URL(url, "http://x").searchParams.get("after") ?? -1);

test("a stream whose connection is cut after every few bytes arrives whole, in order, each line once", async () => {
  const lines = countingLines(40);
  await using server = await ScriptedServer.start(
    withSandbox((request, response, count) => {
      beginStream(response);
      const rest = lines.slice(afterOf(request.url) + 1).join("");
      // Cuts inside lines too, each time elsewhere.
      const cut = 150 + count * 37;
      if (rest.length <= cut) return void response.end(rest);
      response.write(rest.slice(0, cut), () => response.destroy());
    }),
  );
  const sandbox = await sandboxOn(server);
  const result = await sandbox.runCode("count");
  assert.equal(result.stdout, Array.from({ length: 40 }, (_, n) => `${n}\n`).join(""));
  assert.equal(result.exitCode, 0);
  assert.equal(result.execId, EXEC_ID);
  assert.ok(server.requests.length > 5, "it was cut several times");
  assert.equal(
    server.requests.filter(({ method, url }) => method === "POST" && url.endsWith("/exec")).length,
    1,
  );
});

test("a body that ends well but without its exit line is picked up again", async () => {
  const lines = countingLines(3);
  await using server = await ScriptedServer.start(
    withSandbox((request, response) => {
      beginStream(response);
      response.end(
        lines
          .slice(afterOf(request.url) + 1)
          .slice(0, 2)
          .join(""),
      );
    }),
  );
  const result = await (await sandboxOn(server)).commands.run("count");
  assert.equal(result.stdout, "0\n1\n2\n");
});

test("lines that are replayed although they were not asked for are not handed out twice, a hole is asked for again", async () => {
  const lines = countingLines(4);
  await using server = await ScriptedServer.start(
    withSandbox((_request, response, count) => {
      beginStream(response);
      if (count === 1) response.end([lines[0], lines[1], lines[3]].join(""));
      else response.end(lines.join(""));
    }),
  );
  const seen: number[] = [];
  for await (const event of (await sandboxOn(server)).runCodeStream("count")) seen.push(event.seq);
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
});

test("a stream that cannot be resumed ends in a StreamError that says where to continue", async () => {
  const lines = countingLines(3);
  await using server = await ScriptedServer.start(
    withSandbox((_request, response, count) => {
      beginStream(response);
      if (count === 1) response.write(lines[0], () => response.destroy());
      else response.destroy();
    }),
  );
  const sandbox = await sandboxOn(server);
  const seen: StreamEvent[] = [];
  await assert.rejects(
    async () => {
      for await (const event of sandbox.runCodeStream("count")) seen.push(event);
    },
    (error: unknown) => {
      assert.ok(error instanceof StreamError);
      assert.equal(error.execId, EXEC_ID);
      assert.equal(error.lastSeq, 0);
      assert.match(error.hint ?? "", /after: 0/);
      return true;
    },
  );
  assert.equal(seen.length, 1);
});

test("who follows an exec is told once when the connection is lost, and when it stands again", async () => {
  const lines = countingLines(2);
  await using server = await ScriptedServer.start(
    withSandbox((request, response, count) => {
      // Of each three the first breaks behind a line, and the first try to resume it fails.
      if (count % 3 === 2) return void response.destroy();
      beginStream(response);
      const rest = lines.slice(afterOf(request.url) + 1);
      if (count % 3 === 1) response.write(rest[0], () => response.destroy());
      else response.end(rest.join(""));
    }),
  );
  const sandbox = await sandboxOn(server);
  let said: unknown[] = [];
  const onConnection = (isConnected: boolean): void => void said.push(isConnected);
  await sandbox.runCode("count", { onConnection, onStdout: (text) => said.push(text) });
  assert.deepEqual(said, ["0\n", false, true, "1\n"]);

  for (const events of [
    sandbox.runCodeStream("count", { onConnection }),
    sandbox.commands.stream("count", { onConnection }),
    sandbox.execs.stream(EXEC_ID, { onConnection }),
  ]) {
    said = [];
    for await (const { seq } of events) said.push(seq);
    assert.deepEqual(said, [0, false, true, 1, 2]);
  }
});

test("a stream that cannot be resumed is told of as lost, once", async () => {
  await using server = await ScriptedServer.start(
    withSandbox((_request, response, count) => {
      if (count > 1) return void response.destroy();
      beginStream(response);
      response.write(countingLines(1)[0], () => response.destroy());
    }),
  );
  const said: boolean[] = [];
  const onConnection = (isConnected: boolean): void => void said.push(isConnected);
  await assert.rejects((await sandboxOn(server)).runCode("x", { onConnection }), StreamError);
  assert.deepEqual(said, [false]);
});

test("an error of who is told of the connection is the caller's own, and leaves no connection open", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await ScriptedServer.start(
    withSandbox((_request, response, count) => {
      beginStream(response);
      if (count === 1) return void response.write(countingLines(1)[0], () => response.destroy());
      response.once("close", closed.resolve);
      response.flushHeaders();
    }),
  );
  const error = new Error("of the handler");
  const onConnection = (isConnected: boolean): void => {
    if (isConnected) throw error;
  };
  await assert.rejects((await sandboxOn(server)).runCode("x", { onConnection }), error);
  await closed.promise;
});

test("an error of the catalogue while resuming is thrown as it is", async () => {
  await using server = await ScriptedServer.start(
    withSandbox((_request, response, count) => {
      if (count === 1) {
        beginStream(response);
        return void response.write(countingLines(1)[0], () => response.destroy());
      }
      answerJson(
        response,
        { error: { code: "EXEC_NOT_FOUND", message: "no exec", requestId: "req_1" } },
        404,
      );
    }),
  );
  const sandbox = await sandboxOn(server);
  await assert.rejects(sandbox.runCode("x"), { code: "EXEC_NOT_FOUND", requestId: "req_1" });
});

test("sequential execs reuse one connection, also when the stream's end comes a packet later", async () => {
  const text = countingLines(5).join("");
  await using server = await ScriptedServer.start(
    withSandbox((_request, response, count) => {
      beginStream(response);
      if (count % 2 === 0) return void response.end(text);
      response.write(text, () => setImmediate(() => response.end()));
    }),
  );
  const sandbox = await sandboxOn(server);
  for (let index = 0; index < 20; index++) assert.equal((await sandbox.runCode("x")).exitCode, 0);
  assert.ok(server.connections <= 2, `${server.connections} connections for 21 requests`);
});

test("aborting an exec kills it and rejects with the signal's reason", async () => {
  const controller = new AbortController();
  let isKilled = false;
  await using server = await ScriptedServer.start(
    withSandbox((request, response) => {
      if (request.url.endsWith("/kill")) {
        isKilled = true;
        return answerJson(response, {});
      }
      beginStream(response);
      response.write(countingLines(2)[0]);
    }),
  );
  const sandbox = await sandboxOn(server);
  const reason = new Error("enough");
  const running = sandbox.runCode("while True: pass", {
    signal: controller.signal,
    onStdout: () => controller.abort(reason),
  });
  await assert.rejects(running, reason);
  assert.equal(isKilled, true);
});

test("aborting a follower ends its watching alone, with the signal's reason: the exec is somebody else's", async () => {
  const controller = new AbortController();
  await using server = await ScriptedServer.start(
    withSandbox((_request, response) => {
      beginStream(response);
      response.write(countingLines(2)[0]);
    }),
  );
  const sandbox = await sandboxOn(server);
  // With a code of its own, as errors of a program often have: it is no broken connection for that.
  const reason = Object.assign(new Error("enough"), { code: 0 });
  const following = async (): Promise<void> => {
    for await (const _event of sandbox.execs.stream(EXEC_ID, { signal: controller.signal }))
      controller.abort(reason);
  };
  await assert.rejects(following(), reason);
  await assert.rejects(following(), reason);
  assert.ok(!server.requests.some(({ url }) => url.endsWith("/kill")));
});

test("leaving the loop early lets the exec run on and closes its connection", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await ScriptedServer.start(
    withSandbox((_request, response) => {
      beginStream(response);
      response.once("close", closed.resolve);
      response.write(countingLines(2)[0]);
    }),
  );
  const sandbox = await sandboxOn(server);
  for await (const event of sandbox.runCodeStream("x")) {
    assert.equal(event.type, "stdout");
    break;
  }
  await closed.promise;
  assert.ok(!server.requests.some(({ url }) => url.endsWith("/kill")));
});

test("a stream that does not end behind its exit line holds up nobody for long", async () => {
  await using server = await ScriptedServer.start(
    withSandbox((_request, response) => {
      beginStream(response);
      response.write(countingLines(1).join(""));
    }),
  );
  const sandbox = await sandboxOn(server);
  assert.equal((await sandbox.runCode("x")).stdout, "0\n");
  assert.equal((await sandbox.runCode("x")).stdout, "0\n");
  assert.equal(server.requests.length, 3, "neither was asked for again");
});

test("an error of a handler is the caller's own", async () => {
  await using server = await ScriptedServer.start(
    withSandbox((_request, response) => {
      beginStream(response);
      response.end(countingLines(2).join(""));
    }),
  );
  const error = new Error("of the handler");
  const onStdout = (): void => {
    throw error;
  };
  await assert.rejects((await sandboxOn(server)).runCode("x", { onStdout }), error);
});
