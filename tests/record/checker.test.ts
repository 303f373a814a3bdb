import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { seeded, startDaemon } from "@sandglass/testkit";
import { checkRecord } from "./checker/check-record.ts";
import { FireClient } from "./fire/client.ts";
import { Told } from "./fire/told.ts";

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
    const working = client.run(stop.signal, () => false);
    while (told.files.length < 2 || told.execs.length < 6) await new Promise(setImmediate);
    stop.abort();
    await working;
    await client.tidy();
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
    assert.ok(records === genuine.length && execs === told.execs.length);
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

  /** Each change to a genuine record, and what has to be said of it. */
  const isFirst = (type: string) => (event: Event) => event === genuine.find((each) => each.type === type);
  const without = (type: string) => genuine.filter((event) => !isFirst(type)(event));
  const changed = (type: string, change: (event: Event) => Partial<Event>) =>
    genuine.map((event) => (isFirst(type)(event) ? { ...event, ...change(event) } : event));
  const twice = (type: string) =>
    genuine.flatMap((event) => (isFirst(type)(event) ? [event, event] : [event]));
  const moved = (type: string) => [...without(type), genuine.find((event) => event.type === type)!];
  const forgeries: [name: string, forge: () => Event[], said: RegExp][] = [
    ["an event that is missing", () => without("exec.started"), /seq \d+ behind \d+/],
    ["an event that is there twice", () => twice("file.created"), /is there twice/],
    ["an exec without its ending", () => without("exec.completed"), /exec exec_\w+ has no ending/],
    ["a sandbox without its ending", () => without("sandbox.terminated"), /sandbox sbx_\w+ has no ending/],
    ["an exec that ends twice", () => twice("exec.completed"), /comes behind the ending of exec/],
    [
      "a child before its parent",
      () => moved("sandbox.created"),
      /comes behind a child of its span|was not created/,
    ],
    ["an ending behind its sandbox's", () => moved("exec.completed"), /comes behind the end of/],
    [
      "a cause of nobody's",
      () => changed("exec.completed", ({ data }) => ({ data: { ...data, cause: "boredom" } })),
      /has the cause "boredom"/,
    ],
    [
      "a cause that is none of a sandbox",
      () => changed("sandbox.terminated", ({ data }) => ({ data: { ...data, cause: "exited" } })),
      /has the cause "exited"/,
    ],
    [
      "another count of bytes than its client's",
      () => changed("exec.completed", ({ data }) => ({ data: { ...data, stdoutBytes: 7_000_000 } })),
      /has 7000000,\d+ bytes in the record/,
    ],
    [
      "an upload that was answered and is not there",
      () => changed("file.created", ({ data }) => ({ data: { ...data, path: "/workspace/other" } })),
      /is recorded 0 times/,
    ],
    ["an event without a trace", () => changed("exec.started", () => ({ traceId: "" })), /its traceId is ""/],
  ];
  for (const [name, forge, said] of forgeries) {
    test(`finds ${name}`, () => {
      writeLog(forged, forge());
      assert.match(checkRecord(forged, { clients: told }).findings.join("\n"), said);
    });
  }

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
