import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { parseRequest } from "@sandglass/protocol/schemas";
import type { Exporter } from "../delivery/exporter.ts";
import { execOf, inputOf, newPlace, terminated } from "../record/testing/event-inputs.ts";
import type { Output } from "./console/output.ts";
import { batchOf, eventOf } from "./console/testing/console-events.ts";
import { consoleExporter, defineConsole } from "./console.ts";
import type { PrepareContext, PreparedExporter } from "./definition.ts";

const { signal } = new AbortController();
const place = newPlace({ sandboxId: "sbx_01m81fmvaxzshpc686q862kbs9" });

/** An output that keeps what it is given. */
class Screen implements Output {
  readonly isTerminal: boolean;
  text = "";

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }

  async write(page: { bytes: Buffer; done: number }): Promise<void> {
    this.text += page.bytes.toString();
    page.done = page.bytes.length;
  }

  close(): void {}
}

function prepare(
  screen: Output,
  config: Record<string, unknown>,
  context: Partial<PrepareContext> = {},
): PreparedExporter {
  const definition = defineConsole(() => screen);
  const options = parseRequest(definition.schema, config);
  return definition.prepare(options, { env: {}, cwd: "/", isTrusted: true, ownOrigins: [], ...context });
}

/** What stands on the screen after these events. */
async function shown(
  config: Record<string, unknown>,
  events: readonly RuntimeEvent[],
  { env = {}, isTerminal = false }: { env?: Record<string, string>; isTerminal?: boolean } = {},
): Promise<string> {
  const screen = new Screen(isTerminal);
  const exporter: Exporter = await prepare(screen, config, { env }).open({ checkpoint: undefined });
  assert.deepEqual(await exporter.export(batchOf(events), { signal }), { status: "ok" });
  await exporter.shutdown();
  return screen.text;
}

test("a pretty line has the time, the level, the type, whose it is and what the daemon's log says of it", async () => {
  const { completed } = execOf(place);
  const text = await shown({}, [eventOf(completed), eventOf(terminated(place))]);
  const [first = "", second = "", ...rest] = text.split("\n");
  assert.match(
    first,
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}exec\.completed {5}…q862kbs9 exec complete exec_id=exec_\w+ exit_code=0 cause=exited duration_ms=5$/,
  );
  assert.match(
    second,
    /^\S+ INFO {2}sandbox\.terminated …q862kbs9 sandbox destroyed cause=user destroy_ms=1 lifetime_ms=10 execs=1$/,
  );
  assert.deepEqual(rest, [""]);
});

test("the time can be left out, of either format", async () => {
  const event = eventOf(terminated(place));
  assert.match(await shown({ includeTimestamp: false }, [event]), /^INFO {2}sandbox\.terminated/);
  const json = JSON.parse(await shown({ format: "json", includeTimestamp: false }, [event])) as object;
  const { timestamp: _, ...rest } = event;
  assert.deepEqual(json, rest);
});

test("json is the event as it is in the log", async () => {
  const events = [
    eventOf(execOf(place, "print('é \u2028 \u202e \x1b[31m')").started),
    eventOf(terminated(place)),
  ];
  const lines = (await shown({ format: "json" }, events)).split("\n");
  assert.deepEqual(
    lines.slice(0, -1).map((line) => JSON.parse(line) as RuntimeEvent),
    events,
  );
});

test("whatever an event holds, it is one line and nothing in it commands the terminal or hides", async () => {
  const hostile =
    'a\nb\r\x1b[2J\x1b]0;title\x07\u202e\u2066\u2028\u2029\u0085\u009b31m\u200b\ufeff=" \\ \ud800';
  const events = [
    eventOf(inputOf(place, "network.denied", { host: hostile, port: 1, reason: hostile })),
    eventOf(inputOf(place, "sandbox.error", { code: hostile, message: hostile })),
    eventOf(inputOf({ ...place, runId: "run_1" }, "run.started", { name: hostile, agent: hostile })),
    eventOf(execOf(place, hostile).completed),
  ];
  for (const format of ["pretty", "json"]) {
    const lines = (await shown({ format, colorize: false }, events)).split("\n");
    assert.equal(lines.length, events.length + 1, format);
    for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
});

test("level picks a family, or what went wrong", () => {
  const failed = {
    execId: "e",
    kind: "code",
    exitCode: 1,
    cause: "exited",
    durationMs: 1,
    cpuMs: 1,
  } as const;
  const counts = { maxRssBytes: 1, stdoutBytes: 1, stderrBytes: 1 };
  const events = [
    eventOf(terminated(place)),
    eventOf(execOf(place).completed),
    eventOf(inputOf(place, "exec.completed", { ...failed, ...counts })),
    eventOf(inputOf(place, "exec.timed_out", { execId: "e", timeoutMs: 1 })),
    eventOf(inputOf(place, "agent.error", { message: "m" })),
    eventOf(
      inputOf(place, "exporter.stalled", { exporter: "x", reason: "r", lagEvents: 1 }, { level: "error" }),
    ),
    eventOf(inputOf(place, "file.read", { sizeBytes: 1, durationMs: 1 })),
  ];
  const accepted = (level: string): number[] => {
    const prepared = prepare(new Screen(), { level });
    return events.flatMap((event, index) => (prepared.accepts?.(event) ? [index] : []));
  };
  assert.deepEqual(accepted("all"), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(accepted("sandbox"), [0]);
  assert.deepEqual(accepted("exec"), [1, 2, 3]);
  assert.deepEqual(accepted("agent"), [4]);
  assert.deepEqual(accepted("error"), [2, 3, 4, 5]);
});

test("colours are for terminals, NO_COLOR and FORCE_COLOR are heeded, and the option is above all", async () => {
  const events = [eventOf(terminated(place))];
  const isColored = async (
    config: Record<string, unknown>,
    env: Record<string, string>,
    isTerminal: boolean,
  ): Promise<boolean> => {
    const text = await shown(config, events, { env, isTerminal });
    assert.equal(text.split("\n").length, 2);
    return text.includes("\x1b[");
  };
  const xterm = { TERM: "xterm-256color" };
  assert.equal(await isColored({}, xterm, true), true);
  assert.equal(await isColored({}, xterm, false), false);
  assert.equal(await isColored({}, { TERM: "dumb" }, true), false);
  assert.equal(await isColored({}, { ...xterm, NO_COLOR: "1" }, true), false);
  assert.equal(await isColored({}, { ...xterm, NO_COLOR: "" }, true), true);
  assert.equal(await isColored({}, { FORCE_COLOR: "1" }, false), true);
  assert.equal(await isColored({}, { ...xterm, FORCE_COLOR: "0" }, true), false);
  assert.equal(await isColored({ colorize: true }, { NO_COLOR: "1" }, false), true);
  assert.equal(await isColored({ colorize: false }, { FORCE_COLOR: "1" }, true), false);
  assert.equal(await isColored({ format: "json" }, { FORCE_COLOR: "1" }, true), false);
});

test("a type that a later release wrote is shown too", async () => {
  const event = { ...eventOf(terminated(place)), type: "sandbox.teleported" } as unknown as RuntimeEvent;
  assert.match(await shown({}, [event]), /^\S+ INFO {2}sandbox\.teleported …q862kbs9\n$/);
});

test("an event that cannot be said in a line is refused, so that the others go on", async () => {
  const event = {
    ...eventOf(terminated(place)),
    type: "sandbox.forked",
    data: {},
  } as unknown as RuntimeEvent;
  const exporter = await prepare(new Screen(), {}).open({ checkpoint: undefined });
  const result = await exporter.export(batchOf([event]), { signal });
  assert.equal(result.status, "fail");
});

test("options are checked, and a key that may not administer the daemon gets nothing of its output", () => {
  const screen = new Screen();
  assert.throws(() => prepare(screen, { level: "exce" }), /level must be one of .*did you mean "exec"\?/);
  assert.throws(
    () => prepare(screen, { colorise: true }),
    /unknown field "colorise"; did you mean "colorize"\?/,
  );
  assert.throws(() => prepare(screen, {}, { isTrusted: false }), { code: "INVALID_REQUEST" });
  const { destination, traits } = prepare(screen, { stream: "stderr", concurrency: 5 });
  assert.equal(destination, "stderr");
  assert.deepEqual([traits.order, traits.concurrency], ["total", 1]);
  assert.equal(consoleExporter.provider, "console");
});
