import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { EVENT_TYPES, type EventFilter, LEVELS, newSandboxId, type RuntimeEvent } from "@sandglass/protocol";
import { onEnd, seededRandom, segmentFiles, temporaryDirectory } from "../log/testing/test-log.ts";
import { Recorder, type RecorderOptions } from "../recorder.ts";
import { encodeCursor } from "./event-cursor.ts";
import type { RecordLine, RecordQuery } from "./record-query.ts";
import { created, execOf, inputOf, newPlace, terminated } from "./testing/event-inputs.ts";

async function openRecorder(t: TestContext, options: Partial<RecorderOptions> = {}): Promise<Recorder> {
  const recorder = await Recorder.open({ dataDir: temporaryDirectory(t), ...options });
  onEnd(t, () => recorder.close());
  return recorder;
}

async function linesOf(recorder: Recorder, query: RecordQuery): Promise<RecordLine[]> {
  const lines: RecordLine[] = [];
  for await (const line of recorder.read(query)) lines.push(line);
  return lines;
}

async function typesOf(recorder: Recorder, query: RecordQuery): Promise<string[]> {
  return (await linesOf(recorder, query)).map(({ event }) => event?.type ?? "gap");
}

test("a cursor resumes behind its line, for every line, and `json` is the event as parsed", async (t) => {
  const recorder = await openRecorder(t, { segmentBytes: 2000 });
  const place = newPlace();
  await recorder.emit(created(place));
  for (let i = 0; i < 10; i++) {
    const { started, completed } = execOf(place);
    await Promise.all([recorder.emit(started), recorder.emit(completed)]);
  }
  const all = await linesOf(recorder, {});
  assert.equal(all.length, 21);
  for (const [i, { cursor, json, event }] of all.entries()) {
    assert.deepEqual(JSON.parse(json), event);
    assert.match(cursor, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(await linesOf(recorder, { after: cursor }), all.slice(i + 1));
  }
});

test("a cursor that is none, is altered, or points behind the end is refused at once", async (t) => {
  const recorder = await openRecorder(t);
  await recorder.emit(created(newPlace()));
  const [line] = await linesOf(recorder, {});
  const altered = [
    `${line!.cursor}=`,
    `${line!.cursor} `,
    line!.cursor.slice(0, -1),
    "",
    "0",
    "AAAA",
    "../..",
    "💥",
    encodeCursor(2),
  ];
  for (const after of altered)
    assert.throws(() => recorder.read({ after }), { code: "INVALID_CURSOR" }, JSON.stringify(after));
  assert.throws(() => recorder.read({ filter: { types: ["exce.*"] } }), { code: "INVALID_REQUEST" });
});

test("an organisation sees its own events and never the host's or another's; without one everything is seen", async (t) => {
  const recorder = await openRecorder(t);
  const [mine, theirs, host] = [
    newPlace({ orgId: "mine" }),
    newPlace({ orgId: "theirs" }),
    newPlace({ orgId: "", sandboxId: "" }),
  ];
  await recorder.emit(created(mine));
  await recorder.emit(created(theirs));
  await recorder.emit(inputOf(host, "host.started", { version: "1", pid: 1 }));
  // The name of another organisation inside the data opens nothing.
  await recorder.emit(
    inputOf(theirs, "run.started", { name: '"orgId":"mine"', metadata: { orgId: "mine" } }),
  );
  assert.deepEqual(await typesOf(recorder, { orgId: "mine" }), ["sandbox.created"]);
  assert.deepEqual(await typesOf(recorder, { orgId: "theirs" }), ["sandbox.created", "run.started"]);
  assert.equal((await typesOf(recorder, {})).length, 4);
  assert.deepEqual(await recorder.listExecs(theirs.sandboxId, "mine"), []);
  assert.equal(await recorder.getSandbox(theirs.sandboxId, "mine"), undefined);
  assert.equal(await recorder.getTrace(theirs.traceId, "mine"), undefined);
});

test("what is told without parsing never differs from the exact filter", async (t) => {
  const recorder = await openRecorder(t);
  const random = seededRandom(8);
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;
  const sandboxes = [newSandboxId(), newSandboxId(), ""];
  const traces = [newPlace().traceId, newPlace().traceId];
  const expected: RuntimeEvent[] = [];
  recorder.subscribe((event) => expected.push(event));
  for (let i = 0; i < 400; i++) {
    const place = newPlace({
      sandboxId: pick(sandboxes),
      traceId: pick(traces),
      runId: pick(["run_a", "run_b", ""]),
      orgId: pick(["x", "y"]),
    });
    const level = pick(LEVELS);
    const tricky = {
      type: pick(EVENT_TYPES),
      level: pick(LEVELS),
      sandboxId: pick(sandboxes),
      runId: 'run_"a',
    };
    const input = pick([
      inputOf(place, "run.started", { name: "n", metadata: tricky }, { level }),
      inputOf(place, "exec.error", { execId: "e", code: "C", message: JSON.stringify(tricky) }, { level }),
      inputOf(place, "sandbox.started", { template: "t" }, { level }),
    ]);
    await recorder.emit(input);
  }
  for (let round = 0; round < 150; round++) {
    const filter: EventFilter = {
      ...(random(2) && {
        types: pick([
          ["exec.*"],
          ["run.started", "exec.error"],
          ["!exec.*"],
          ["*", "!run.started"],
          ["sandbox.*", "exec.error"],
        ]),
      }),
      ...(random(2) && { minLevel: pick(LEVELS) }),
    };
    const fields = {
      ...(random(2) && { orgId: pick(["x", "y"]) }),
      ...(random(2) && { sandboxId: pick(sandboxes) }),
      ...(random(2) && { runId: pick(["run_a", "run_b", ""]) }),
      ...(random(2) && { traceId: pick(traces) }),
    };
    const got = (await linesOf(recorder, { ...fields, filter })).map(({ event }) => event!.id);
    const wanted = expected.filter(
      (event) =>
        matches(event, filter) &&
        Object.entries(fields).every(([key, value]) => event[key as "runId"] === value),
    );
    assert.deepEqual(
      got,
      wanted.map(({ id }) => id),
      JSON.stringify({ fields, filter }),
    );
  }
});

/** Written anew, by what the types say: the oracle. */
function matches(event: RuntimeEvent, { types, minLevel }: EventFilter): boolean {
  const names = (pattern: string): boolean =>
    pattern === "*" ||
    pattern === event.type ||
    (pattern.endsWith(".*") && event.type.startsWith(pattern.slice(0, -1)));
  const included = types?.filter((pattern) => !pattern.startsWith("!")) ?? [];
  const excluded =
    types?.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1)) ?? [];
  if (minLevel && LEVELS.indexOf(event.level) < LEVELS.indexOf(minLevel)) return false;
  return (included.length === 0 || included.some(names)) && !excluded.some(names);
}

test("following gives what comes, counts to its limit, and ends with the signal", async (t) => {
  const recorder = await openRecorder(t);
  const place = newPlace();
  await recorder.emit(created(place));
  const limited = linesOf(recorder, { follow: true, limit: 3, filter: { types: ["sandbox.*"] } });
  const abort = new AbortController();
  const aborted = linesOf(recorder, { follow: true, signal: abort.signal });
  await recorder.emit(execOf(place).started);
  await recorder.emit(terminated(place));
  await recorder.emit(created(newPlace()));
  assert.deepEqual(
    (await limited).map(({ event }) => event?.type),
    ["sandbox.created", "sandbox.terminated", "sandbox.created"],
  );
  abort.abort();
  assert.ok((await aborted).length <= 4);
  assert.deepEqual(await linesOf(recorder, { limit: 0 }), []);
});

test("a gap is a line of its own, with a cursor behind it", async (t) => {
  const dataDir = temporaryDirectory(t);
  const recorder = await openRecorder(t, { dataDir });
  for (let i = 0; i < 4; i++) await recorder.emit(created(newPlace()));
  const all = await linesOf(recorder, {});
  const [file] = segmentFiles(join(dataDir, "log"));
  const bytes = readFileSync(file!);
  const spoiled = bytes.indexOf(all[1]!.event!.sandboxId);
  bytes.fill(0, spoiled, spoiled + 10);
  writeFileSync(file!, bytes);
  const lines = await linesOf(recorder, { orgId: "default" });
  assert.deepEqual(
    lines.map(({ event }) => event?.id ?? "gap"),
    [all[0]!.event!.id, "gap", all[2]!.event!.id, all[3]!.event!.id],
  );
  assert.deepEqual(JSON.parse(lines[1]!.json), {
    type: "gap",
    fromPosition: 2,
    toPosition: 2,
    reason: "corrupt",
  });
  assert.deepEqual(await linesOf(recorder, { after: lines[1]!.cursor }), all.slice(2));
});

test("execs, a sandbox and a trace are found in the record, also after it was closed and opened", async (t) => {
  const dataDir = temporaryDirectory(t);
  const place = newPlace({ runId: "run_x" });
  const first = await Recorder.open({ dataDir, segmentBytes: 3000 });
  const other = newPlace();
  await first.emit(created(place));
  await first.emit(created(other));
  const [done, running] = [execOf(place, "1"), execOf(place, "2")];
  for (const input of [done.started, running.started, execOf(other).started, done.completed])
    await first.emit(input);
  await first.close();
  const recorder = await openRecorder(t, { dataDir, segmentBytes: 3000 });
  const execs = await recorder.listExecs(place.sandboxId, "default");
  assert.deepEqual(
    execs.map(({ id, state, code }) => [id, state, code]),
    [
      [done.execId, "completed", "1"],
      [running.execId, "running", "2"],
    ],
  );
  assert.deepEqual(await recorder.getExec(place.sandboxId, done.execId, "default"), execs[0]);
  assert.equal(await recorder.getExec(other.sandboxId, done.execId, "default"), undefined);
  assert.equal((await recorder.getSandbox(place.sandboxId, "default"))?.state, "running");
  await recorder.emit(terminated(place));
  const info = await recorder.getSandbox(place.sandboxId, "default");
  assert.ok(info);
  assert.deepEqual(
    [info.state, info.cause, info.runId, info.template, info.limits.memoryMb, info.record],
    ["terminated", "user", "run_x", "python", 256, "full"],
  );
  const trace = await recorder.getTrace(place.traceId, "default");
  assert.deepEqual(trace?.spans.map(({ name, status }) => [name, status]).sort(), [
    ["sandbox.create", "ok"],
    ["sandbox.execute", "ok"],
    ["sandbox.execute", "running"],
    ["sandbox.terminate", "ok"],
  ]);
});
