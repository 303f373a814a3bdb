import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type ExecInfo } from "sandglass";
import { RawConnection } from "../daemon/raw-connection.ts";
import { connectHttp, startServing } from "./mcp-clients.ts";

const STALL_MS = 1000;
/** A NUL is six bytes in JSON, and an output is in a result twice: 12 MB a call, more than a connection's buffers hold. */
const MUCH = "head -c 1000000 /dev/zero";
const READERS = 6;
const CALLS = 8;

let daemon: TestDaemon;
let api: Client;
before(async () => {
  daemon = await startServing({
    args: [
      ...["--pool", "python=0"],
      ...["--limits-reader-stall-ms", String(STALL_MS)],
      ...["--limits-body-stall-ms", String(STALL_MS)],
    ],
  });
  api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await api.close();
  await daemon.stop();
});

/** A session as a client without an SDK has it, and the sandbox it works in. */
interface RawSession {
  id: string;
  sandboxId: string;
}

const command = (id: number, line: string) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: {
    name: "run_command",
    arguments: { command: line, max_output_bytes: 1024 * 1024 },
    _meta: { progressToken: id },
  },
});

async function post(message: unknown, sessionId?: string): Promise<{ sessionId: string; text: string }> {
  const headers = {
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    ...(sessionId !== undefined && { "mcp-session-id": sessionId }),
  };
  const answer = await callHttp(daemon, "POST /mcp", { headers, body: JSON.stringify(message) });
  assert.ok(answer.status < 300, answer.text);
  return { sessionId: String(answer.headers["mcp-session-id"]), text: answer.text };
}

async function beginSession(): Promise<RawSession> {
  const clientInfo = { name: "raw", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  const { sessionId: id } = await post({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  await post({ jsonrpc: "2.0", method: "notifications/initialized" }, id);
  const { text } = await post(command(1, "true"), id);
  return { id, sandboxId: /"sandbox_id":"(sbx_\w+)"/.exec(text)?.[1] ?? assert.fail(text) };
}

const endSession = ({ id }: RawSession) =>
  callHttp(daemon, "DELETE /mcp", { headers: { "mcp-session-id": id } });

function head(method: string, { id }: RawSession, ...more: string[]): string {
  const lines = [`${method} /mcp HTTP/1.1`, "host: 127.0.0.1", `authorization: Bearer ${daemon.apiKey}`];
  const accept = ["accept: application/json, text/event-stream", "content-type: application/json"];
  return [...lines, ...accept, `mcp-session-id: ${id}`, ...more, "", ""].join("\r\n");
}

function call(session: RawSession, ...messages: unknown[]): string {
  const body = JSON.stringify(messages.length === 1 ? messages[0] : messages);
  return head("POST", session, `content-length: ${body.length}`) + body;
}

/** Sends this, and takes nothing of the answer. */
async function neverReads(text: string): Promise<RawConnection> {
  const connection = await RawConnection.open(daemon.url);
  connection.socket.pause();
  return connection.say(text);
}

/** All of the sandbox's execs, once they have ended. */
async function ended({ sandboxId }: RawSession, count: number): Promise<ExecInfo[]> {
  const sandbox = await api.sandboxes.connect(sandboxId);
  return until("the execs have ended", async () => {
    const { items } = await sandbox.execs.list();
    return items.length >= count && items.every(({ state }) => state === "completed") && items;
  });
}

async function metric(name: string): Promise<number> {
  const { text } = await callHttp(daemon, "GET /metrics");
  return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
}

test("clients that never read what their calls say are cut off and cost bounded memory; what they ran ends as it does", async () => {
  const sessions = await Promise.all(Array.from({ length: READERS }, beginSession));
  await using other = await connectHttp(daemon);
  await other.call("run_code", { code: "1" });
  const before = await metric("process_resident_memory_bytes");
  const messages = Array.from({ length: CALLS }, (_, index) => command(10 + index, MUCH));
  const readers = await Promise.all(sessions.map((session) => neverReads(call(session, ...messages))));
  try {
    // Nobody else is held up.
    assert.equal((await other.call("run_code", { code: "6 * 7" })).structured.result, "42");
    for (const session of sessions) {
      for (const exec of await ended(session, CALLS + 1)) assert.equal(exec.cause, "exited");
    }
    for (const reader of readers) await until("it is cut", async () => !(await reader.isHeld()));
    // As it was written it would be 576 MB.
    assert.ok((await metric("process_resident_memory_bytes")) - before < 400 * 1024 ** 2);
    assert.equal((await other.call("run_code", { code: "6 * 7" })).structured.result, "42");
  } finally {
    for (const { socket } of readers) socket.destroy();
    await Promise.all(sessions.map(endSession));
  }
});

test("a call goes on whose client half-closes, resets, or has gone before it is answered", async () => {
  const session = await beginSession();
  const half = await RawConnection.open(daemon.url, { allowHalfOpen: true });
  half.socket.end(call(session, command(20, "sleep 0.2; echo half")));
  await half.closed();
  const rounds = 20;
  for (let round = 0; round < rounds; round++) {
    const { socket } = await RawConnection.open(daemon.url);
    socket.write(call(session, command(100 + round, "yes | head -c 100000; sleep 0.1")), () =>
      socket.resetAndDestroy(),
    );
  }
  // One that is cut before it was read is none; the others ran to their end.
  const execs = await ended(session, 2);
  assert.deepEqual([...new Set(execs.map(({ cause }) => cause))], ["exited"]);
  assert.equal(execs.filter(({ command }) => command?.includes("half")).length, 1);
  await endSession(session);
  assert.doesNotMatch(daemon.logs(), /uncaught|failed.*error/i);
});

test("streams that are reset leave their place to the next, and cost no descriptors", async () => {
  const session = await beginSession();
  const before = await metric("process_open_fds");
  for (let round = 0; round < 30; round++) {
    const { socket } = await RawConnection.open(daemon.url);
    await new Promise<void>((resolve) => socket.write(head("GET", session), () => resolve()));
    socket.resetAndDestroy();
  }
  // There may be one stream of a session: one that nobody has any more would keep it.
  await until("there is room for a stream", async () => {
    const stream = await RawConnection.open(daemon.url);
    stream.say(head("GET", session));
    await until("it is answered", () => stream.text.includes("\r\n\r\n"));
    stream.socket.destroy();
    return stream.text.startsWith("HTTP/1.1 200");
  });
  await until(
    "their descriptors are given back",
    async () => (await metric("process_open_fds")) <= before + 5,
  );
  await endSession(session);
});

test("a message that stops half-way is answered with 408 and its connection closed", async () => {
  const session = await beginSession();
  const connection = await RawConnection.open(daemon.url);
  connection.say(`${head("POST", session, "content-length: 1000")}{"jsonrpc":`);
  assert.match(await connection.closed(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TOO_SLOW"/s);
  await endSession(session);
});

test("a stream on which nothing is said stays open, however long its client reads nothing", async () => {
  const session = await beginSession();
  const stream = await neverReads(head("GET", session));
  const quiet = await RawConnection.open(daemon.url);
  quiet.say(call(session, command(30, `sleep ${(3 * STALL_MS) / 1000}; echo late`)));
  await quiet.hears("late");
  assert.ok(await stream.isHeld());
  stream.socket.destroy();
  quiet.socket.destroy();
  await endSession(session);
});

test("a daemon stops in order under clients that read nothing", async () => {
  await using stopped = await startServing({ args: ["--shutdown-timeout-ms", "20000"] });
  const mine = daemon;
  daemon = stopped;
  try {
    const session = await beginSession();
    const messages = Array.from({ length: CALLS }, (_, index) => command(10 + index, MUCH));
    const clients = await Promise.all([
      neverReads(head("GET", session)),
      neverReads(call(session, ...messages)),
      neverReads(call(session, command(50, "yes; sleep 600"))),
    ]);
    await until("the last runs", async () => {
      const { json } = await callHttp(daemon, `GET /v1/sandboxes/${session.sandboxId}/execs`);
      return json.items.some(({ command: line }: ExecInfo) => line === "yes; sleep 600");
    });
    assert.equal(await stopped.stop(), 0);
    assert.match(stopped.logs(), /exec complete.*cause=killed/);
    assert.match(stopped.logs(), /sandbox destroyed.*cause=host_shutdown/);
    for (const { socket } of clients) socket.destroy();
  } finally {
    daemon = mine;
  }
});
