import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { callHttp, seeded, startDaemon, until } from "@sandglass/testkit";
import { checkRecord } from "./checker/check-record.ts";
import { FireClient } from "./fire/client.ts";
import { Follower } from "./fire/follower.ts";
import { Told } from "./fire/told.ts";

/** What the client has to have done for each forgery to have an original. */
const WORK = ["run.started", "agent.tool_call", "file.deleted", "sandbox.paused", "sandbox.forked"];

const OTHER_ID = "evt_01234567-89ab-7cde-8f01-23456789abcd";
const OTHER_TRACE = "0123456789abcdef0123456789abcdef";
const MAIN = join(import.meta.dirname, "checker/main.ts");

interface Event {
  id: string;
  seq: number;
  type: string;
  sandboxId: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  data: Record<string, unknown>;
}

/** A log of these events, written from its documented format. */
function writeLog(dir: string, events: readonly object[], from = 1): void {
  const header = Buffer.alloc(32);
  header.write("SGLASLOG");
  header.writeUInt32LE(1, 8);
  header.writeBigUInt64LE(BigInt(from), 12);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  const frames = events.map((event, at) => {
    const payload = Buffer.from(JSON.stringify(event));
    const frame = Buffer.concat([Buffer.from([0xf5, 0x53, 0x47, 0xfa]), Buffer.alloc(16), payload]);
    frame.writeUInt32LE(payload.length, 4);
    frame.writeBigUInt64LE(BigInt(from + at), 12);
    frame.writeUInt32LE(crc32(frame.subarray(12)), 8);
    return frame;
  });
  const name = `${String(from).padStart(20, "0")}.seg`;
  writeFileSync(join(dir, "log", name), Buffer.concat([header, ...frames]));
}

function readEvents(dataDir: string): Event[] {
  const events: Event[] = [];
  for (const name of readdirSync(join(dataDir, "log")).filter((file) => file.endsWith(".seg"))) {
    const bytes = readFileSync(join(dataDir, "log", name));
    for (let at = 32; at < bytes.length; at += 20 + bytes.readUInt32LE(at + 4))
      events.push(JSON.parse(bytes.toString("utf8", at + 20, at + 20 + bytes.readUInt32LE(at + 4))));
  }
  return events;
}

describe("the checker of records", () => {
  const told = new Told();
  let dataDir: string;
  let genuine: Event[];
  let forged: string;
  before(async () => {
    dataDir = mkdtempSync("/tmp/sg-check-");
    await using daemon = await startDaemon({ dataDir });
    const stop = new AbortController();
    const client = new FireClient(daemon, { told, random: seeded(3), holds: 2 });
    const working = Promise.all([
      client.run(stop.signal, () => false),
      new Follower(told).follow(daemon, stop.signal, () => false),
    ]);
    const isDone = (type: string) => told.changes.some((change) => change.type === type);
    while (told.files.length < 2 || told.execs.length < 6 || !WORK.every(isDone))
      await Promise.race([working, new Promise(setImmediate)]);
    await until("the follower has come along", () => told.shown.length > 40);
    stop.abort();
    await working;
    assert.deepEqual(told.surprises, []);
    await client.tidy();
    // One that streams, and one that is there when the daemon is stopped.
    const sandbox = await callHttp(daemon, "POST /v1/sandboxes", { json: { template: "bash" } });
    const exec = `POST /v1/sandboxes/${sandbox.json.id}/exec`;
    const command = "for i in 1 2 3 4 5 6 7 8; do head -c 300000 /dev/zero; sleep 0.3; done";
    await callHttp(daemon, exec, { json: { command } });
    await daemon.stop();
    genuine = readEvents(dataDir);
    forged = mkdtempSync(join(tmpdir(), "sg-forged-"));
    mkdirSync(join(forged, "log"));
  });
  after(() => {
    for (const dir of [dataDir, forged]) rmSync(dir, { recursive: true });
  });

  test("finds nothing in the record of a daemon that was stopped, nor between it and its clients", () => {
    const { findings, records, execs } = checkRecord(dataDir, { clients: told });
    assert.deepEqual(findings, []);
    assert.ok(records === genuine.length && execs === told.execs.length + 1);
  });

  test("is a program: 0 and what there is, or 1 and what is wrong", () => {
    const clients = join(forged, "clients.json");
    const run = () =>
      spawnSync(process.execPath, [MAIN, dataDir, "--clients", clients], { encoding: "utf8" });
    writeFileSync(clients, JSON.stringify(told));
    const good = run();
    assert.equal(good.status, 0, good.stdout + good.stderr);
    assert.match(good.stdout, /every rule is kept/);
    const [exec] = told.execs;
    writeFileSync(clients, JSON.stringify({ ...told, execs: [{ ...exec, stdoutBytes: 10 ** 9 }] }));
    const bad = run();
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, /its client got 1000000000/);
  });

  const firstOf = (type: string): Event => genuine.find((each) => each.type === type)!;
  const without = (...gone: Event[]) => genuine.filter((event) => !gone.includes(event));
  const changed = (one: Event, change: Partial<Event>) =>
    genuine.map((event) => (event === one ? { ...event, ...change } : event));
  const withData = (one: Event, data: object) => changed(one, { data: { ...one.data, ...data } });
  const moved = (one: Event) => [...without(one), one];
  const twice = (one: Event) =>
    genuine.flatMap((event) => (event === one ? [event, { ...event, id: OTHER_ID }] : [event]));
  /** The request that an event is about. */
  const requestOf = ({ parentSpanId }: Event) =>
    genuine.find(({ type, spanId }) => type === "http.request" && spanId === parentSpanId)!;
  const creationOf = (one: Event) =>
    genuine.find(({ type, sandboxId }) => type === "sandbox.created" && sandboxId === one.sandboxId)!;
  const killed = () => {
    const execId = told.execs.find(({ isKilled }) => isKilled)?.execId;
    return genuine.find(({ type, data }) => type === "exec.completed" && data.execId === execId)!;
  };
  /** As a daemon would have numbered them: the sequences alone give a forgery away otherwise. */
  const numbered = (events: Event[]) => {
    const last = new Map<string, number>();
    return events.map((event) => {
      const seq = (last.get(event.sandboxId) ?? 0) + 1;
      last.set(event.sandboxId, seq);
      return { ...event, seq };
    });
  };
  /** Each change to a genuine record, and what has to be said of it. */
  const forgeries: [name: string, forge: () => Event[], said: RegExp][] = [
    [
      "an exec that never began",
      () => without(firstOf("exec.started")),
      /is of exec \w+, which has not started/,
    ],
    [
      "an exec in a sandbox that never began",
      () => without(creationOf(firstOf("exec.started"))),
      /exec.started \S+ is of sbx_\w+, which was not created/,
    ],
    ["an exec without its ending", () => without(firstOf("exec.completed")), /exec exec_\w+ has no ending/],
    [
      "a sandbox without its ending",
      () => without(firstOf("sandbox.terminated")),
      /sandbox sbx_\w+ has no ending/,
    ],
    ["an exec that ends twice", () => twice(firstOf("exec.completed")), /comes behind the ending of exec/],
    [
      "a sandbox that ends twice",
      () => twice(firstOf("sandbox.terminated")),
      /sandbox.terminated \w+\S+ comes behind the end of sbx_/,
    ],
    ["an ending behind its sandbox's", () => moved(firstOf("exec.completed")), /comes behind the end of/],
    [
      "a child before its parent",
      () => moved(firstOf("run.started")),
      /run.started \S+ comes behind a child of its span/,
    ],
    [
      "a child of another trace than its parent",
      () => changed(firstOf("agent.tool_call"), { traceId: OTHER_TRACE }),
      /agent.tool_call \S+ is of another trace than its parent/,
    ],
    [
      "a child of another trace than its request",
      () => changed(firstOf("file.created"), { traceId: OTHER_TRACE }),
      /file.created \S+ has the parent \w+, which is not in the record/,
    ],
    [
      "a request that is missing",
      () => without(requestOf(firstOf("file.created"))),
      /file.created \S+ has the parent \w+, which is not in the record/,
    ],
    [
      "a parent that nothing is",
      () => changed(firstOf("sandbox.terminated"), { parentSpanId: "0123456789abcdef" }),
      /sandbox.terminated \S+ has the parent 0123456789abcdef, which is not in the record/,
    ],
    [
      "an ending on another span than its beginning",
      () => changed(firstOf("exec.completed"), { spanId: "0123456789abcdef" }),
      /exec.completed \S+ is not on the span that exec \w+ began/,
    ],
    ...["exec.completed", "sandbox.terminated", "host.stopped"].map((type): (typeof forgeries)[number] => [
      `${type} without a cause`,
      () => withData(firstOf(type), { cause: undefined }),
      new RegExp(`${type} \\S+ has no cause`),
    ]),
    [
      "a cause of nobody's",
      () => withData(firstOf("exec.completed"), { cause: "boredom" }),
      /has the cause "boredom"/,
    ],
    [
      "a cause that is none of a sandbox",
      () => withData(firstOf("sandbox.terminated"), { cause: "exited" }),
      /has the cause "exited"/,
    ],
    [
      "a part of a stream that is missing",
      () => without(firstOf("exec.streamed")),
      /exec.streamed \S+ begins at \d+ of stdout, not 0/,
    ],
    [
      "parts of a stream with a gap between them",
      () => withData(firstOf("exec.streamed"), { offset: 7 }),
      /exec.streamed \S+ begins at 7 of stdout, not 0/,
    ],
    [
      "another count of bytes than its client's",
      () => withData(firstOf("exec.completed"), { stdoutBytes: 7_000_000 }),
      /has 7000000,\d+ bytes in the record/,
    ],
    [
      "an exec that was killed and ended otherwise",
      () => withData(killed(), { cause: "exited" }),
      /exec exec_\w+ was killed, and ended with exited/,
    ],
    [
      "an upload that was answered and is not there",
      () => withData(firstOf("file.created"), { path: "/workspace/other" }),
      /is recorded 0 times/,
    ],
    ...WORK.map((type): (typeof forgeries)[number] => [
      `${type} that was answered and is not there`,
      () => without(...genuine.filter((event) => event.type === type)),
      new RegExp(`${type} (on|below) span \\w+ was answered, and is recorded 0 times`),
    ]),
    [
      "a run's event that was answered once and is there twice",
      () => twice(firstOf("agent.tool_call")),
      /agent.tool_call on span \w+ was answered, and is recorded 2 times/,
    ],
    [
      "an event that a follower was shown and is not there",
      () => changed(firstOf("file.created"), { id: OTHER_ID }),
      /event evt_\S+ was shown, and is not in the record/,
    ],
    [
      "an event that a follower was not shown",
      () => twice(firstOf("file.created")),
      /event evt_\S+ is number \d+, and was shown behind number \d+/,
    ],
    [
      "an event without a trace",
      () => changed(firstOf("exec.started"), { traceId: "" }),
      /its traceId is ""/,
    ],
  ];
  for (const [name, forge, said] of forgeries) {
    test(`finds ${name}`, () => {
      writeLog(forged, numbered(forge()));
      assert.match(checkRecord(forged, { clients: told }).findings.join("\n"), said);
    });
  }

  test("finds an event that is missing, and one that is there twice, by their numbers", () => {
    writeLog(forged, without(firstOf("file.created")));
    assert.match(checkRecord(forged).findings.join("\n"), /of sbx_\w+ has seq \d+ behind \d+/);
    const doubled = genuine.flatMap((event) => (event.type === "file.created" ? [event, event] : [event]));
    writeLog(forged, doubled);
    const said = checkRecord(forged).findings.join("\n");
    assert.match(said, /event evt_\S+ is there twice/);
    assert.match(said, /has seq (\d+) behind \1/);
  });

  test("takes requests that a crash took for what they are, as far as they were under way", () => {
    const request = requestOf(firstOf("file.created"));
    writeLog(forged, numbered(without(request, firstOf("host.stopped"))));
    assert.deepEqual(checkRecord(forged).findings, []);
    assert.match(
      checkRecord(forged, { requestsAtOnce: 0 }).findings.join("\n"),
      /has the parent \w+, which is not in the record/,
    );
  });

  test("asks for no requests where the log did not take them", () => {
    writeLog(forged, numbered(without(...genuine.filter(({ type }) => type === "http.request"))));
    assert.notDeepEqual(checkRecord(forged).findings, []);
    assert.deepEqual(checkRecord(forged, { areRequestsRecorded: false }).findings, []);
  });

  test("finds bytes that are no record, and what they took with them", () => {
    writeLog(forged, genuine);
    const file = join(forged, "log", "00000000000000000001.seg");
    const bytes = readFileSync(file);
    bytes[32 + 20 + 5]! ^= 1;
    writeFileSync(file, bytes);
    const said = checkRecord(forged).findings.join("\n");
    assert.match(said, /\d+ bytes at 32 are no record/);
    assert.match(said, /seq 2 behind nothing/);
    writeFileSync(file, readFileSync(file).subarray(0, -3));
    assert.match(checkRecord(forged).findings.join("\n"), /are no record \(the tail\)/);
  });

  test("takes a log that has lost its beginning to its limits for what it is", () => {
    rmSync(join(forged, "log"), { recursive: true });
    mkdirSync(join(forged, "log"));
    writeLog(forged, genuine.slice(5), 6);
    assert.deepEqual(checkRecord(forged).findings, []);
  });
});
