import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { RawConnection } from "./raw-connection.ts";

const STALL_MS = 400;
/** More than the buffers of a connection hold. */
const WHOLE_BYTES = 100_000_000;
let daemon: TestDaemon;
/** Of the agent-sandbox API. */
let agentSandboxUrl: string;
before(async () => {
  daemon = await startDaemon({
    args: [
      ...["--pool", "python=0"],
      ...["--limits-headers-timeout-ms", String(STALL_MS)],
      ...["--limits-body-stall-ms", String(STALL_MS)],
      ...["--limits-body-bytes-per-second", "2000"],
      ...["--limits-reader-stall-ms", "1000"],
      ...["--agent-sandbox-listen", "--agent-sandbox-port", "0"],
    ],
  });
  agentSandboxUrl = /agent_sandbox=(http:\/\/[^\s"]+)/.exec(daemon.logs())?.[1] ?? assert.fail(daemon.logs());
});
after(() => daemon.stop());

const head = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, "host: 127.0.0.1", `authorization: Bearer ${daemon.apiKey}`, ...headers, "", ""].join(
    "\r\n",
  );
const json = (bytes: number) =>
  head("POST /v1/runs", "content-type: application/json", `content-length: ${bytes}`);
const isHealthy = async () => assert.equal((await callHttp(daemon, "GET /v1/sandboxes")).status, 200);

test("headers that trickle are given up, and so is a connection that says nothing", async () => {
  const silent = await RawConnection.open(daemon.url);
  const slow = await RawConnection.open(daemon.url);
  slow.say("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n");
  const drip = setInterval(() => slow.say("x-a: b\r\n"), STALL_MS / 4);
  assert.match(await slow.closed(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TOO_SLOW"/s);
  clearInterval(drip);
  await silent.closed();
  await isHealthy();
});

test("a body that stops is answered with 408 and its connection closed", async () => {
  const connection = await RawConnection.open(daemon.url);
  connection.say(`${json(100)}{"name":`);
  assert.match(await connection.closed(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TOO_SLOW"/s);
  await isHealthy();
});

test("a body that trickles without ever stopping is given up too", async () => {
  const connection = await RawConnection.open(daemon.url);
  connection.say(`${json(1_000_000)}{"name":"`);
  const drip = setInterval(() => connection.say("x"), STALL_MS / 8);
  assert.match(await connection.closed(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TOO_SLOW"/s);
  clearInterval(drip);
});

test("an upload that trickles is given up, and leaves no half of a file under its name", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const path = `/v1/sandboxes/${sandbox.id}/files/half`;
  const connection = await RawConnection.open(daemon.url);
  connection.say(`${head(`PUT ${path}`, "content-length: 1000000")}begin`);
  assert.match(await connection.closed(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TOO_SLOW"/s);
  assert.equal((await callHttp(daemon, `GET ${path}`)).status, 404);
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
});

test("a client that closes its half has gone: nothing is kept for it", async () => {
  const follower = await RawConnection.open(daemon.url, { allowHalfOpen: true });
  follower.say(head("GET /v1/events?follow=true"));
  await follower.hears("200 OK");
  follower.socket.end();
  await follower.closed();
  await isHealthy();
});

test("a client that closes its half in the middle of a body costs nothing afterwards", async () => {
  const connection = await RawConnection.open(daemon.url, { allowHalfOpen: true });
  connection.socket.end(`${json(100)}{"name":`);
  await connection.closed();
  await isHealthy();
});

test("clients that reset at every stage leave a daemon that is well", async () => {
  const stages = ["", "GET /v1/ev", head("GET /v1/events?follow=true"), `${json(100)}{`, json(0)];
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      stages.map(async (text) => {
        const { socket } = await RawConnection.open(daemon.url);
        socket.write(text);
        socket.resetAndDestroy();
      }),
    );
  }
  await isHealthy();
  assert.doesNotMatch(daemon.logs(), /failed.*error|uncaught/i);
});

test("requests behind each other on one connection are answered in their order, and too many at once cut it", async () => {
  const fair = await RawConnection.open(daemon.url);
  fair.say(Array.from({ length: 20 }, (_, index) => head(`GET /v1/sandboxes/sbx_${index}`)).join(""));
  await fair.hears("sbx_19");
  const order = [...fair.text.matchAll(/no sandbox sbx_(\d+)/g)].map(([, number]) => Number(number));
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, index) => index),
  );
  fair.socket.destroy();
  const greedy = await RawConnection.open(daemon.url);
  greedy.say(head("GET /v1/events?follow=true").repeat(500));
  await greedy.closed();
  await isHealthy();
});

test("followers who stop reading are cut off, and cost bounded memory until then", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const followers = await Promise.all(Array.from({ length: 8 }, () => RawConnection.open(daemon.url)));
  const code = { command: "head -c 50000000 /dev/zero | base64 -w 1000", timeoutMs: 60_000 };
  const before = await residentBytes();
  const exec = callHttp(daemon, `POST /v1/sandboxes/${sandbox.id}/exec`, { json: code });
  let execId = "";
  await until("it runs", async () => {
    const { json: page } = await callHttp(daemon, `GET /v1/sandboxes/${sandbox.id}/execs`);
    execId = page.items[0]?.id ?? "";
    return execId !== "";
  });
  for (const { socket } of followers) {
    socket.write(head(`GET /v1/sandboxes/${sandbox.id}/execs/${execId}/stream`));
    socket.pause();
  }
  // Its own reader reads on: nobody else holds it back.
  assert.match((await exec).text.slice(-400), /"type":"exit","data":0/);
  assert.ok((await residentBytes()) - before < 150 * 1024 ** 2);
  await until("the followers are cut", async () => (await openConnections()) === 0);
  for (const { socket } of followers) socket.destroy();
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
});

/** Asks, and takes nothing of the answer. */
async function neverReads(text: string, url = daemon.url): Promise<RawConnection> {
  const connection = await RawConnection.open(url);
  connection.socket.pause();
  return connection.say(text);
}

/** How often is fed before memory is looked at: what taking it costs the heap is none of the readers'. */
const WARM_UP = 40;

/** Sees to it that who reads nothing is cut, while `feed` gives ever more, and that this costs bounded memory. */
async function expectCut(
  begin: () => Promise<RawConnection>,
  feed: (() => Promise<unknown>) | undefined,
): Promise<void> {
  for (let count = 0; feed !== undefined && count < WARM_UP; count++) await feed();
  const before = await residentBytes();
  const readers = await Promise.all(Array.from({ length: 4 }, begin));
  try {
    await until("those who read nothing are cut", async () => {
      await feed?.();
      return (await openConnections()) === 0;
    });
    assert.ok((await residentBytes()) - before < 150 * 1024 ** 2);
    for (const reader of readers) {
      // What had gone out is there to be read, and then an end that is none of a whole answer.
      reader.socket.resume();
      const text = await reader.closed();
      assert.match(text.slice(0, 20), /^HTTP\/1\.1 200 OK/);
      assert.ok(!text.endsWith("0\r\n\r\n") && text.length < WHOLE_BYTES);
    }
    await isHealthy();
  } finally {
    for (const { socket } of readers) socket.destroy();
  }
}

test("followers of events who never read are cut off, and others are told of all", async () => {
  const { json: run } = await callHttp(daemon, "POST /v1/runs", { json: { name: "talkative" } });
  const line = `GET /v1/events?follow=true&runId=${run.runId}`;
  const event = { type: "agent.thinking", data: { text: "x".repeat(200_000), bytes: 200_000 } };
  let sent = 0;
  const begin = () => neverReads(head(line));
  await expectCut(begin, async () => {
    sent += 10;
    const json = { events: Array.from({ length: 10 }, () => event) };
    assert.equal((await callHttp(daemon, `POST /v1/runs/${run.runId}/events`, { json })).status, 201);
  });
  const { text } = await callHttp(daemon, `GET /v1/events?runId=${run.runId}&types=agent.thinking`);
  assert.equal(jsonLines(text).length, sent);
});

test("followers of logs who never read are cut off", async () => {
  const begin = () => neverReads(head("GET /v1/logs/tail"));
  const record = { severityNumber: 9, body: { stringValue: "x".repeat(20_000) } };
  const logRecords = Array.from({ length: 40 }, () => record);
  const json = { resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords }] }] };
  await expectCut(begin, async () => {
    assert.equal((await callHttp(daemon, "POST /otlp/v1/logs", { json })).status, 200);
  });
});

test("downloads that nobody takes are cut off, and nothing of them goes on in the sandbox", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const path = `/v1/sandboxes/${sandbox.id}`;
  const execute = async (command: string) =>
    jsonLines((await callHttp(daemon, `POST ${path}/exec`, { json: { command } })).text);
  const processes = async () =>
    Number((await execute("ls -d /proc/[0-9]* | wc -l")).find(({ type }) => type === "stdout")?.data);
  await execute(`head -c ${WHOLE_BYTES} /dev/zero > large`);
  const before = await processes();
  await expectCut(() => neverReads(head(`GET ${path}/files/large`)), undefined);
  // One that waits to become the next exec may be there or not; the readers were four.
  await until("nobody reads it any more", async () => (await processes()) <= before + 1);
  assert.equal(
    (await callHttp(daemon, `HEAD ${path}/files/large`)).headers["content-length"],
    String(WHOLE_BYTES),
  );
  await callHttp(daemon, `DELETE ${path}`);
});

test("an answer of the agent-sandbox API that nobody takes is cut off too, and its command ends as it does", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const body = JSON.stringify({ command: "head -c 8000000 /dev/zero" });
  const line = head(
    "POST /execute",
    `x-sandbox-id: ${sandbox.id}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
  );
  const readers = await Promise.all([1, 2, 3].map(() => neverReads(line + body, agentSandboxUrl)));
  try {
    for (const reader of readers) await until("it is cut", async () => !(await reader.isHeld()));
    await isHealthy();
    const { json: page } = await callHttp(daemon, `GET /v1/sandboxes/${sandbox.id}/execs`);
    assert.deepEqual(
      page.items.map(({ cause }: { cause: string }) => cause),
      ["exited", "exited", "exited"],
    );
  } finally {
    for (const { socket } of readers) socket.destroy();
    await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
  }
});

async function residentBytes(): Promise<number> {
  const { text } = await callHttp(daemon, "GET /metrics");
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]);
}

/** Established connections of the daemon's port, as the kernel has them on its side. */
async function openConnections(): Promise<number> {
  const port = Number(new URL(daemon.url).port).toString(16).toUpperCase().padStart(4, "0");
  const table = await readFile("/proc/net/tcp", "utf8");
  return table.split("\n").filter((line) => new RegExp(`^ *\\d+: \\S+:${port} \\S+ 01 `).test(line)).length;
}
