import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { execOf, newPlace } from "../record/testing/event-inputs.ts";
import { batchOf, eventOf } from "./console/testing/console-events.ts";
import type { ObservabilityExporter, ObservabilityExporterFactory } from "./custom/observability-exporter.ts";
import { customDefinition } from "./custom.ts";
import type { PreparedExporter } from "./definition.ts";
import { PermanentError } from "./permanent-error.ts";

const { signal } = new AbortController();
const resume = { checkpoint: undefined };

/** Notes what it is asked, in order. */
class Notes implements ObservabilityExporter {
  readonly id = "notes";
  readonly calls: string[] = [];
  readonly batches: RuntimeEvent[][] = [];
  config: unknown;
  onExport: (events: RuntimeEvent[]) => void = () => undefined;
  onFlush: () => void = () => undefined;

  async initialize(config: unknown): Promise<void> {
    this.calls.push("initialize");
    this.config = config;
  }

  async export(events: RuntimeEvent[]): Promise<void> {
    this.calls.push("export");
    this.batches.push(structuredClone(events));
    this.onExport(events);
  }

  async flush(): Promise<void> {
    this.calls.push("flush");
    this.onFlush();
  }

  async dispose(): Promise<void> {
    this.calls.push("dispose");
  }
}

function prepare(
  factory: ObservabilityExporterFactory,
  config: Record<string, unknown> = {},
  { env = {}, isTrusted = true }: { env?: Record<string, string>; isTrusted?: boolean } = {},
): PreparedExporter {
  const definition = customDefinition("notes", factory);
  const options = definition.schema.parse(config);
  return definition.prepare(options, { env, cwd: "/", isTrusted, ownOrigins: [] });
}

function someBatch(count = 2) {
  return batchOf(Array.from({ length: count }, () => eventOf(execOf(newPlace()).completed)));
}

test("it is initialised before anything else, flushed after every batch, and disposed of at the end", async () => {
  const notes = new Notes();
  const exporter = await prepare(() => notes).open(resume);
  const batch = someBatch();
  assert.deepEqual(await exporter.export(batch, { signal }), { status: "ok" });
  await exporter.export(someBatch(), { signal });
  await exporter.shutdown();
  assert.deepEqual(notes.calls, ["initialize", "export", "flush", "export", "flush", "dispose"]);
  assert.deepEqual(
    notes.batches[0],
    batch.events.map(({ event }) => event),
  );
});

test("an error is a retry with its message, also of flush; a PermanentError, of whichever copy of the package, is not", async () => {
  const notes = new Notes();
  const exporter = await prepare(async () => notes).open(resume);
  const resultOf = async (error: unknown) => {
    notes.onExport = () => {
      throw error;
    };
    return exporter.export(someBatch(), { signal });
  };
  assert.deepEqual(await resultOf(new Error("not\nnow\x1b[31m")), {
    status: "retry",
    reason: "not now [31m",
  });
  assert.deepEqual(await resultOf("a text"), { status: "retry", reason: "a text" });
  assert.deepEqual(await resultOf(new PermanentError("never")), { status: "fail", reason: "never" });
  const foreign = Object.assign(new Error("never"), { name: "PermanentError" });
  assert.deepEqual(await resultOf(foreign), { status: "fail", reason: "never" });

  notes.onExport = () => undefined;
  notes.onFlush = () => {
    throw new Error("not flushed");
  };
  assert.deepEqual(await exporter.export(someBatch(), { signal }), {
    status: "retry",
    reason: "not flushed",
  });
});

test("what it does to the events reaches neither the next try nor anybody else", async () => {
  const notes = new Notes();
  const exporter = await prepare(() => notes).open(resume);
  notes.onExport = (events) => {
    for (const event of events.splice(0)) Object.assign(event, { id: "changed", data: null });
  };
  const batch = someBatch();
  const before = batch.events.map(({ event }) => structuredClone(event));
  await exporter.export(batch, { signal });
  await exporter.export(batch, { signal });
  assert.deepEqual(notes.batches, [before, before]);
  assert.deepEqual(
    batch.events.map(({ event }) => event),
    before,
  );
});

test("its configuration is its own: with the environment's values, and the options that all take still in it", async () => {
  const notes = new Notes();
  const date = new Date(0);
  const config = {
    url: "https://example.com",
    auth: { token: { env: "MY_TOKEN" }, tokens: [{ env: "MY_TOKEN" }, { env: "MY_OTHER" }] },
    env: { env: "production", region: "eu" },
    date,
    batchSize: 7,
    concurrency: 3,
  };
  const prepared = prepare(() => notes, config, { env: { MY_TOKEN: "s3cret", MY_OTHER: "0ther" } });
  await prepared.open(resume);
  assert.deepEqual(notes.config, {
    ...config,
    auth: { token: "s3cret", tokens: ["s3cret", "0ther"] },
  });
  assert.equal((notes.config as { date: Date }).date, date);
  assert.deepEqual(new Set(prepared.secrets), new Set(["s3cret", "0ther"]));
  const { batchSize, concurrency, order } = prepared.traits;
  assert.deepEqual({ batchSize, concurrency, order }, { batchSize: 7, concurrency: 3, order: "none" });
  assert.equal(prepare(() => notes).traits.order, "total");
});

test("a configuration may hold itself, and names that mean something to objects", async () => {
  const notes = new Notes();
  const config: Record<string, unknown> = JSON.parse('{"a":{"__proto__":{"polluted":true}}}');
  config.self = { config };
  await prepare(() => notes, config).open(resume);
  const given = notes.config as { a: object; self: { config: { self: unknown } } };
  assert.equal(Object.hasOwn(given.a, "__proto__"), true);
  assert.equal("polluted" in given.a, false);
  assert.equal(given.self.config.self, given.self);
});

test("a variable that is not set is named with its option, a common option of the wrong type is refused", () => {
  assert.throws(() => prepare(() => new Notes(), { auth: [{ token: { env: "MY_TOKEN" } }] }), {
    code: "INVALID_REQUEST",
    message: "auth[0].token names the environment variable MY_TOKEN, which is not set",
  });
  assert.throws(() => prepare(() => new Notes(), { batchSize: "many" }), /batchSize/);
});

test("two configured exporters are two instances, and verifying one makes and disposes of another", async () => {
  const made: Notes[] = [];
  const definition = customDefinition("notes", () => {
    made.push(new Notes());
    return made.at(-1)!;
  });
  const context = { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] };
  const [first, second] = [definition.prepare({}, context), definition.prepare({}, context)];
  assert.equal(made.length, 0);
  await first.open(resume);
  await second.open(resume);
  assert.equal(made.length, 2);
  await first.verify?.(signal);
  assert.deepEqual(made[2]?.calls, ["initialize", "dispose"]);
  assert.deepEqual(made[0]?.calls, ["initialize"]);
});

test("what is no exporter is refused, naming what it lacks", async () => {
  const { initialize, dispose } = Notes.prototype;
  const half = { initialize, dispose } as unknown as ObservabilityExporter;
  await assert.rejects(
    prepare(() => half).open(resume),
    /^Error: the exporter "notes" lacks id, export\(\), flush\(\)$/,
  );
  const nothing = (() => undefined) as unknown as ObservabilityExporterFactory;
  await assert.rejects(prepare(nothing).open(resume), /registered as "notes" made no exporter but undefined/);
});

test("an error of initialize is told to who opens or verifies it", async () => {
  const notes = new Notes();
  notes.initialize = async () => {
    throw new Error("no such broker");
  };
  await assert.rejects(prepare(() => notes).open(resume), /no such broker/);
  await assert.rejects(prepare(() => notes).verify!(signal), /no such broker/);
});

test("who may not administer the daemon may not have it run code of its own", () => {
  assert.throws(() => prepare(() => new Notes(), {}, { isTrusted: false }), { code: "INVALID_REQUEST" });
});
