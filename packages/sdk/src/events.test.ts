import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { EventLine, GapLine } from "@sandglass/protocol";
import { Client } from "./client.ts";
import { StreamError } from "./errors.ts";
import { answerJson, ScriptedServer } from "./scripted-server.ts";

const line = (n: number): string =>
  `${JSON.stringify({ id: `evt_${n}`, type: "exec.completed", cursor: `c${n}` })}\n`;
const afterOf = (url: string): number =>
  Number((new URL(url, "http://x").searchParams.get("after") ?? "c-1").slice(1));

function clientOf(server: ScriptedServer): Client {
  return new Client({ baseUrl: server.url, apiKey: "k", streamRetries: 3 });
}

async function readAll(events: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of events) count += 1;
  return count;
}

test("a reading that is cut is continued behind the last cursor, nothing lost and nothing twice", async () => {
  const all = Array.from({ length: 30 }, (_, n) => line(n));
  await using server = await ScriptedServer.start((request, response, count) => {
    response.writeHead(200);
    const rest = all.slice(afterOf(request.url) + 1).join("");
    const cut = 120 + count * 61;
    if (rest.length <= cut) return void response.end(rest);
    response.write(rest.slice(0, cut), () => response.destroy());
  });
  const cursors: string[] = [];
  for await (const event of clientOf(server).events({ types: ["exec.*"] })) cursors.push(event.cursor);
  assert.deepEqual(
    cursors,
    all.map((_, n) => `c${n}`),
  );
  assert.ok(server.requests.length > 3);
  assert.match(server.requests[1]?.url ?? "", /types=exec\.\*&after=c\d+/);
});

test("without follow the record's end ends the loop, with follow a body's end is only a break", async () => {
  await using server = await ScriptedServer.start((request, response) => {
    response.writeHead(200).end(line(afterOf(request.url) + 1));
  });
  const client = clientOf(server);
  const once: string[] = [];
  for await (const event of client.events()) once.push(event.cursor);
  assert.deepEqual(once, ["c0"]);

  const followed: string[] = [];
  for await (const event of client.events({ follow: true })) {
    followed.push(event.cursor);
    if (followed.length === 3) break;
  }
  assert.deepEqual(followed, ["c0", "c1", "c2"]);
});

test("who follows is told once when the connection is lost, and when it stands again", async () => {
  await using server = await ScriptedServer.start((request, response, count) => {
    // The first answer ends, two tries fail.
    if (count === 1 || count === 2) return void response.destroy();
    response.writeHead(200).end(line(afterOf(request.url) + 1));
  });
  const said: (string | boolean)[] = [];
  // Waited for: what comes then comes behind it.
  const onConnection = async (isConnected: boolean): Promise<void> => {
    await delay(5);
    said.push(isConnected);
  };
  for await (const { cursor } of clientOf(server).events({ follow: true, limit: 2, onConnection }))
    said.push(cursor);
  assert.deepEqual(said, ["c0", false, true, "c1"]);
  assert.doesNotMatch(server.requests.map(({ url }) => url).join(" "), /onConnection/);
});

test("words are searched for in the record", async () => {
  await using server = await ScriptedServer.start((_, response) => void response.writeHead(200).end(line(1)));
  const search = 'disk "no space" -warn';
  assert.equal(await readAll(clientOf(server).events({ search })), 1);
  assert.equal(new URL(server.requests[0]?.url ?? "", "http://x").searchParams.get("search"), search);
});

test("a limit holds across a broken connection", async () => {
  await using server = await ScriptedServer.start((request, response, count) => {
    response.writeHead(200);
    const limit = Number(new URL(request.url, "http://x").searchParams.get("limit"));
    const from = afterOf(request.url) + 1;
    const lines = Array.from({ length: limit }, (_, n) => line(from + n));
    if (count === 1) response.write(lines.slice(0, 2).join(""), () => response.destroy());
    else response.end(lines.join(""));
  });
  const cursors: string[] = [];
  for await (const event of clientOf(server).events({ limit: 5, follow: true })) cursors.push(event.cursor);
  assert.deepEqual(cursors, ["c0", "c1", "c2", "c3", "c4"]);
});

test("a daemon that stays away ends the following in a StreamError that names the cursor", async () => {
  await using server = await ScriptedServer.start((_request, response, count) => {
    if (count > 1) return void response.destroy();
    response.writeHead(200);
    response.write(line(0), () => response.destroy());
  });
  await assert.rejects(readAll(clientOf(server).events({ follow: true })), (error: unknown) => {
    assert.ok(error instanceof StreamError);
    assert.match(error.hint ?? "", /c0/);
    return true;
  });
});

test("a refused request is an error at once", async () => {
  await using server = await ScriptedServer.start((_request, response) =>
    answerJson(
      response,
      { error: { code: "INVALID_CURSOR", message: "no cursor of ours", requestId: "r" } },
      400,
    ),
  );
  const reading = readAll(clientOf(server).events({ after: "nonsense" }));
  await assert.rejects(reading, { code: "INVALID_CURSOR" });
  assert.equal(server.requests.length, 1);
});

test("aborting ends the following with the signal's reason", async () => {
  await using server = await ScriptedServer.start(
    (_request, response) => void response.writeHead(200).write(line(0)),
  );
  const controller = new AbortController();
  const reason = new Error("enough");
  await assert.rejects(async () => {
    for await (const _ of clientOf(server).events({ follow: true, signal: controller.signal })) {
      controller.abort(reason);
    }
  }, reason);
});

test("a gap is told with its place", async () => {
  const gap = { type: "gap", fromPosition: 3, toPosition: 7, reason: "retention", cursor: "c7" };
  await using server = await ScriptedServer.start((_request, response) => {
    response.writeHead(200).end(`${JSON.stringify(gap)}\n${line(8)}`);
  });
  const seen: (EventLine | GapLine)[] = [];
  for await (const event of clientOf(server).events()) seen.push(event as EventLine | GapLine);
  assert.deepEqual(seen[0], gap);
  assert.deepEqual([seen[1]?.type, seen[1]?.cursor], ["exec.completed", "c8"]);
});
