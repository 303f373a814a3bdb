import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type LogProblem, Recorder } from "@sandglass/telemetry";
import { callHttp, jsonLines, seeded, startDaemon } from "@sandglass/testkit";
import { isLong } from "../long.ts";
import { checkRecord } from "./checker/check-record.ts";
import { readLog } from "./checker/segments.ts";
import { FireClient } from "./fire/client.ts";
import { Told } from "./fire/told.ts";

/** The last records whose every byte is damaged once. */
const LAST_RECORDS = isLong ? 20 : 2;
const RANDOM_ROUNDS = isLong ? 300 : 40;
const SEED = 11;

interface Opened {
  ids: Set<string>;
  gaps: number;
  problems: LogProblem[];
  recovery: Recorder["recovery"];
  lastPosition: number;
}

describe("a log whose bytes were damaged", () => {
  let genuine: string;
  let damaged: string;
  /** The event ids by position. */
  const idAt = new Map<number, string>();
  before(async () => {
    genuine = mkdtempSync("/tmp/sg-dmg-");
    // In memory: thousands of logs are opened, and each syncs what it writes.
    damaged = mkdtempSync("/dev/shm/sg-dmg-");
    await using daemon = await startDaemon({ dataDir: genuine, args: ["--pool", "python=0"] });
    const told = new Told();
    const stop = new AbortController();
    const client = new FireClient(daemon, { told, random: seeded(SEED), holds: 2 });
    const working = client.run(stop.signal, () => false);
    while (told.answers < 12) await new Promise(setImmediate);
    stop.abort();
    await working;
    await client.tidy();
    await daemon.stop();
    for (const found of readLog(join(genuine, "log")))
      if (found.kind === "record") idAt.set(found.position, JSON.parse(found.payload.toString()).id);
  });
  after(() => {
    for (const dir of [genuine, damaged].filter((each) => each !== undefined))
      rmSync(dir, { recursive: true });
  });

  /** The log's files as they were but for one, opened and read as the daemon does it. */
  async function openWith(
    name: string,
    bytes: Buffer,
    segmentFiles: ReadonlyMap<string, Buffer>,
  ): Promise<Opened> {
    const log = join(damaged, "log");
    rmSync(damaged, { recursive: true });
    mkdirSync(log, { recursive: true });
    for (const [file, original] of segmentFiles)
      writeFileSync(join(log, file), file === name ? bytes : original);
    const problems: LogProblem[] = [];
    const recorder = await Recorder.open({
      dataDir: damaged,
      onProblem: (problem) => problems.push(problem),
    });
    const ids = new Set<string>();
    let gaps = 0;
    for await (const { event, gap } of recorder.read()) {
      if (event) ids.add(event.id);
      if (gap) gaps += 1;
    }
    const { recovery } = recorder;
    const { lastPosition } = recorder.stats();
    await recorder.close();
    return { ids, gaps, problems, recovery, lastPosition };
  }

  function segments(): Map<string, Buffer> {
    const log = join(genuine, "log");
    const names = readdirSync(log).filter((name) => name.endsWith(".seg"));
    return new Map(names.map((name) => [name, readFileSync(join(log, name))]));
  }

  test("every byte of the last records flipped: only what was hit is missing, it is said, and the rest is served", async () => {
    const files = segments();
    const records = [...readLog(join(genuine, "log"))].filter((found) => found.kind === "record");
    const last = records.slice(-LAST_RECORDS);
    const { file } = last[0]!;
    const original = files.get(file)!;
    for (const [at, record] of last.entries()) {
      const end = last[at + 1]?.offset ?? original.length;
      for (let offset = record.offset; offset < end; offset++) {
        const bytes = Buffer.from(original);
        bytes[offset]! ^= 1 << (offset % 8);
        const opened = await openWith(file, bytes, files);
        const missing = [...idAt.values()].filter((id) => !opened.ids.has(id));
        assert.deepEqual(missing, [idAt.get(record.position)], `byte ${offset}`);
        const isLastOfAll = at === last.length - 1;
        const { truncatedBytes, corruptRecords } = opened.recovery;
        assert.deepEqual(
          { truncatedBytes, corruptRecords },
          isLastOfAll
            ? { truncatedBytes: end - record.offset, corruptRecords: 0 }
            : { truncatedBytes: 0, corruptRecords: 1 },
        );
        const [said] = opened.problems;
        assert.ok(said !== undefined && "segment" in said && said.segment.endsWith(file));
        if (said.kind === "corrupt")
          assert.deepEqual([said.from, said.to], [record.position, record.position]);
        assert.equal(opened.gaps, isLastOfAll ? 0 : 1);
      }
    }
  });

  test("the file cut at every byte of the last records: what is whole is served, and the log goes on behind it", async () => {
    const files = segments();
    const records = [...readLog(join(genuine, "log"))].filter((found) => found.kind === "record");
    const last = records.slice(-LAST_RECORDS);
    const { file, offset: from } = last[0]!;
    const original = files.get(file)!;
    for (let length = from; length < original.length; length++) {
      const opened = await openWith(file, original.subarray(0, length), files);
      const whole = last.filter((_, at) => (last[at + 1]?.offset ?? original.length) <= length);
      const lastPosition = whole.at(-1)?.position ?? last[0]!.position - 1;
      assert.equal(opened.lastPosition, lastPosition, `cut at ${length}`);
      assert.equal(opened.ids.size, lastPosition);
      const cutAt = whole.length === 0 ? from : (last[whole.length]?.offset ?? original.length);
      assert.equal(opened.recovery.truncatedBytes, length - cutAt);
      assert.equal(opened.problems.length, length === cutAt ? 0 : 1);
    }
  });

  test("bytes flipped in the head of a segment: it is said, and every record is served", async () => {
    const files = segments();
    const [[file, original] = ["", Buffer.alloc(0)]] = files;
    for (let offset = 0; offset < 32; offset++) {
      const bytes = Buffer.from(original);
      bytes[offset]! ^= 0x10;
      const opened = await openWith(file, bytes, files);
      assert.equal(opened.ids.size, idAt.size, `byte ${offset}`);
      assert.ok(opened.problems.some(({ kind }) => kind === "header_damaged"));
    }
  });

  test("older segments flipped and cut at random places: each lost record is told as a gap, no other is missing", async () => {
    const small = mkdtempSync("/tmp/sg-dmg-");
    const recorder = await Recorder.open({ dataDir: small, segmentBytes: 6000 });
    for (const bytes of segments().values())
      for (const line of payloadsOf(bytes)) {
        const { id: _id, seq: _seq, ...input } = JSON.parse(line);
        await recorder.emit(input);
      }
    await recorder.close();
    const log = join(small, "log");
    const names = readdirSync(log).filter((name) => name.endsWith(".seg"));
    const files = new Map(names.map((name) => [name, readFileSync(join(log, name))]));
    assert.ok(files.size > 3);
    const expected = new Map<number, string>();
    for (const found of readLog(log))
      if (found.kind === "record") expected.set(found.position, JSON.parse(found.payload.toString()).id);
    const random = seeded(SEED);
    for (let round = 0; round < RANDOM_ROUNDS; round++) {
      const name = random.pick(names.slice(0, -1));
      let bytes = Buffer.from(files.get(name)!);
      if (round % 4 === 0) bytes = bytes.subarray(0, random.int(bytes.length));
      else
        for (let flips = 1 + random.int(4); flips > 0; flips--)
          bytes[random.int(bytes.length)]! ^= 1 + random.int(255);
      const opened = await openWith(name, bytes, files);
      const found = [...readLog(join(damaged, "log"))].flatMap((each) =>
        each.kind === "record" ? each.position : [],
      );
      const whole = new Set(found);
      for (const [position, id] of expected)
        assert.equal(
          opened.ids.has(id),
          whole.has(position),
          `position ${position} of ${name}, round ${round}`,
        );
      const isAnyLost = whole.size < expected.size;
      assert.equal(opened.gaps > 0, isAnyLost, `round ${round}`);
      if (isAnyLost)
        assert.ok(
          opened.problems.some(({ kind }) => kind === "corrupt"),
          `round ${round}`,
        );
    }
    rmSync(small, { recursive: true });
  });

  test("the daemon itself: starts, says in its log and in host.started what is missing, and serves the rest", async () => {
    const records = [...readLog(join(genuine, "log"))].filter((found) => found.kind === "record");
    const [hit, torn] = [records.at(-4)!, records.at(-1)!];
    rmSync(damaged, { recursive: true });
    cpSync(genuine, damaged, { recursive: true });
    const path = join(damaged, "log", torn.file);
    const bytes = readFileSync(path).subarray(0, -5);
    bytes[hit.offset + 30]! ^= 1;
    writeFileSync(path, bytes);
    await using daemon = await startDaemon({ dataDir: damaged, args: ["--pool", "python=0"] });
    const { text } = await callHttp(daemon, "GET /v1/events");
    const lines = jsonLines(text);
    const started = lines.findLast(({ type }) => type === "host.started");
    assert.equal(started.data.recovery.corruptRecords, 1);
    assert.equal(started.data.recovery.truncatedBytes, bytes.length - torn.offset);
    assert.match(
      daemon.logs(),
      new RegExp(`the log: corrupt.*${torn.file}.*from: ${hit.position},.*to: ${hit.position}`),
    );
    assert.match(
      daemon.logs(),
      new RegExp(`the log: truncated.*${torn.file}.*bytes: ${bytes.length - torn.offset}`),
    );
    const served = new Set(lines.map(({ id }) => id));
    const missing = [...idAt].filter(([, id]) => !served.has(id)).map(([position]) => position);
    assert.deepEqual(missing, [hit.position, torn.position]);
    await daemon.stop();
    const { findings } = checkRecord(damaged);
    assert.ok(
      findings.some((said) => said.includes(`positions ${hit.position} to ${hit.position} are missing`)),
    );
  });
});

function payloadsOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 32; at < bytes.length; at += 20 + bytes.readUInt32LE(at + 4))
    lines.push(bytes.toString("utf8", at + 20, at + 20 + bytes.readUInt32LE(at + 4)));
  return lines;
}
