import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, openHttp, startDaemon, type TestDaemon } from "@sandglass/testkit";

let daemon: TestDaemon;
let path: string;
before(async () => {
  daemon = await startDaemon();
  const { json } = await callHttp(daemon, "POST /v1/sandboxes");
  path = `/v1/sandboxes/${json.id}`;
});
after(() => daemon.stop());

const outputOf = (lines: { type: string; data: string }[]) =>
  lines
    .filter(({ type }) => type === "stdout")
    .map(({ data }) => data)
    .join("");

test("a cell streams its output, its last expression and its ending, without gaps", async () => {
  const { status, headers, text } = await callHttp(daemon, `POST ${path}/exec`, {
    json: { code: "print('hi')\n6 * 7" },
  });
  assert.equal(status, 200);
  assert.match(String(headers["content-type"]), /^application\/x-ndjson/);
  const lines = jsonLines(text);
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    lines.map((_, index) => index),
  );
  assert.equal(outputOf(lines), "hi\n");
  assert.equal(lines.find(({ type }) => type === "result").data["text/plain"], "42");
  const exit = lines.at(-1);
  assert.deepEqual(
    [exit.type, exit.code, exit.cause, exit.execId],
    ["exit", 0, "exited", headers["x-exec-id"]],
  );
});

test("the exec's id is there before its first output, and its lines before its end", async () => {
  const stream = await openHttp(daemon, `POST ${path}/exec`, {
    json: { command: "read line; echo $line", timeoutMs: 60_000 },
  });
  const execId = stream.headers["x-exec-id"];
  const { json } = await callHttp(daemon, `GET ${path}/execs/${execId}`);
  assert.deepEqual([json.id, json.kind], [execId, "command"]);
  stream.resume();
});

test("a stream that broke off is picked up behind its last line, by as many as want to", async () => {
  const command = "for n in 1 2 3 4 5; do echo $n; sleep 0.1; done";
  const broken = await openHttp(daemon, `POST ${path}/exec`, { json: { command } });
  const [chunk] = (await once(broken.setEncoding("utf8"), "data")) as [string];
  broken.destroy();
  const first = jsonLines(chunk.slice(0, chunk.lastIndexOf("\n") + 1));
  const stream = `GET ${path}/execs/${broken.headers["x-exec-id"]}/stream`;
  const answers = await Promise.all(
    [1, 2].map(() => callHttp(daemon, `${stream}?after=${first.at(-1).seq}`)),
  );
  for (const { text, headers } of answers) {
    assert.equal(headers["x-exec-id"], broken.headers["x-exec-id"]);
    const rest = jsonLines(text);
    assert.equal(rest[0].seq, first.at(-1).seq + 1);
    assert.equal(outputOf([...first, ...rest]), "1\n2\n3\n4\n5\n");
    assert.equal(rest.at(-1).cause, "exited");
  }
  const whole = jsonLines((await callHttp(daemon, stream)).text);
  assert.equal(outputOf(whole), "1\n2\n3\n4\n5\n");
});

test("a client that goes does not end the exec", async () => {
  const command = "echo begun; sleep 0.3; echo done > /workspace/proof";
  const stream = await openHttp(daemon, `POST ${path}/exec`, { json: { command } });
  await once(stream, "data");
  stream.destroy();
  const followed = await callHttp(daemon, `GET ${path}/execs/${stream.headers["x-exec-id"]}/stream`);
  assert.equal(jsonLines(followed.text).at(-1).cause, "exited");
  assert.equal((await callHttp(daemon, `GET ${path}/files/proof`)).text, "done\n");
});

test("a kill ends an exec with its signal, and the second one is told that it has ended", async () => {
  const stream = await openHttp(daemon, `POST ${path}/exec`, { json: { command: "echo begun; sleep 600" } });
  await once(stream, "data");
  const exec = `${path}/execs/${stream.headers["x-exec-id"]}`;
  assert.equal((await callHttp(daemon, `POST ${exec}/kill`, { json: { signal: "SIGTERM" } })).status, 200);
  const exit = jsonLines((await callHttp(daemon, `GET ${exec}/stream`)).text).at(-1);
  assert.deepEqual([exit.code, exit.signal, exit.cause], [143, "SIGTERM", "killed"]);
  const { json } = await callHttp(daemon, `GET ${exec}`);
  assert.deepEqual([json.state, json.exitCode, json.cause], ["completed", 143, "killed"]);
  assert.equal((await callHttp(daemon, `POST ${exec}/kill`)).json.error.code, "EXEC_ENDED");
});

test("an exec and its output can be read when its sandbox is gone", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes");
  const of = `/v1/sandboxes/${sandbox.id}`;
  const ran = await callHttp(daemon, `POST ${of}/exec`, { json: { command: "echo kept" } });
  assert.equal((await callHttp(daemon, `DELETE ${of}`)).status, 204);
  assert.equal((await callHttp(daemon, `DELETE ${of}`)).status, 204);
  assert.equal((await callHttp(daemon, `GET ${of}`)).json.cause, "user");
  const { json } = await callHttp(daemon, `GET ${of}/execs`);
  assert.deepEqual(
    json.items.map(({ id }: { id: string }) => id),
    [ran.headers["x-exec-id"]],
  );
  const replayed = await callHttp(daemon, `GET ${of}/execs/${ran.headers["x-exec-id"]}/stream`);
  assert.deepEqual(jsonLines(replayed.text), jsonLines(ran.text));
  assert.equal(
    (await callHttp(daemon, `POST ${of}/exec`, { json: { command: "true" } })).json.error.code,
    "SANDBOX_ENDED",
  );
});

test("execs and sandboxes are listed in pages, newest first", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes");
  const of = `/v1/sandboxes/${sandbox.id}`;
  const ids: unknown[] = [];
  for (let n = 0; n < 3; n++)
    ids.unshift(
      (await callHttp(daemon, `POST ${of}/exec`, { json: { command: "true" } })).headers["x-exec-id"],
    );
  const { json: first } = await callHttp(daemon, `GET ${of}/execs?limit=2`);
  const { json: second } = await callHttp(daemon, `GET ${of}/execs?limit=2&cursor=${first.nextCursor}`);
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }) => id),
    ids,
  );
  assert.equal(second.nextCursor, undefined);
  await callHttp(daemon, `DELETE ${of}`);
  const listed = async (query: string) =>
    (await callHttp(daemon, `GET /v1/sandboxes${query}`)).json.items.map(({ id }: { id: string }) => id);
  assert.ok(!(await listed("")).includes(sandbox.id));
  assert.ok((await listed("?ended=true")).includes(sandbox.id));
  assert.ok((await listed("?state=terminated")).includes(sandbox.id));
  assert.deepEqual(await listed("?runId=run_none"), []);
});

test("a client that reads slowly does not make the daemon hold the output", async () => {
  const size = 256 * 1024 * 1024;
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: { maxOutputBytes: size } });
  const stream = await openHttp(daemon, `POST /v1/sandboxes/${sandbox.id}/exec`, {
    json: { command: `head -c ${size} /dev/zero | tr '\\0' x` },
  });
  stream.pause();
  const { text: metrics } = await callHttp(daemon, "GET /metrics");
  const before = Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
  let highest = 0;
  for (let n = 0; n < 20; n++) {
    const { text } = await callHttp(daemon, "GET /metrics");
    highest = Math.max(highest, Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]));
  }
  assert.ok(highest - before < 100 * 1024 * 1024, `grew by ${highest - before}`);
  let bytes = 0;
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    rest += chunk;
    const end = rest.lastIndexOf("\n") + 1;
    for (const line of jsonLines(rest.slice(0, end))) if (line.type === "stdout") bytes += line.data.length;
    rest = rest.slice(end);
  }
  assert.equal(bytes, size);
});
