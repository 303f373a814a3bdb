import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sampleEvent } from "./event-samples.ts";
import { EVENT_TYPES, type EventType, type RuntimeEvent } from "./events.ts";
import { compileFilter, type EventFilter, parseTypes } from "./filter.ts";

function selected(types: readonly string[] | undefined): EventType[] {
  const matches = compileFilter(types === undefined ? {} : { types });
  return EVENT_TYPES.filter((type) => matches(sampleEvent(type) as RuntimeEvent));
}

const family = (name: string) => EVENT_TYPES.filter((type) => type.startsWith(`${name}.`));

describe("an event filter", () => {
  const cases: [why: string, types: string[] | undefined, expected: readonly EventType[]][] = [
    ["none given: everything", undefined, EVENT_TYPES],
    ["an empty list: everything", [], EVENT_TYPES],
    ["a star: everything", ["*"], EVENT_TYPES],
    ["an exact type", ["exec.completed"], ["exec.completed"]],
    ["a family", ["exec.*"], family("exec")],
    ["two of them", ["sandbox.*", "exec.*"], [...family("sandbox"), ...family("exec")]],
    [
      "a family but one",
      ["exec.*", "!exec.streamed"],
      family("exec").filter((type) => type !== "exec.streamed"),
    ],
    [
      "the exclusion first",
      ["!exec.streamed", "exec.*"],
      family("exec").filter((type) => type !== "exec.streamed"),
    ],
    ["an exclusion alone", ["!http.request"], EVENT_TYPES.filter((type) => type !== "http.request")],
    ["everything excluded", ["!*"], []],
  ];
  for (const [why, types, expected] of cases) {
    test(`selects by type: ${why}`, () => assert.deepEqual(selected(types), expected));
  }

  test("minLevel lets that level and the more severe ones through", () => {
    const matches = compileFilter({ minLevel: "warn" });
    const event = sampleEvent("exec.completed");
    const levels = (["debug", "info", "warn", "error"] as const).filter((level) =>
      matches({ ...event, level }),
    );
    assert.deepEqual(levels, ["warn", "error"]);
  });

  test("type, level and condition must hold together", () => {
    const filter: EventFilter = {
      types: ["exec.completed"],
      minLevel: "info",
      condition: (event) => event.type === "exec.completed" && event.data.exitCode !== 0,
    };
    const matches = compileFilter(filter);
    const event = sampleEvent("exec.completed");
    assert.ok(!matches({ ...event, data: { ...event.data, exitCode: 0 } }));
    assert.ok(matches({ ...event, data: { ...event.data, exitCode: 1 } }));
    assert.ok(!matches({ ...event, level: "debug", data: { ...event.data, exitCode: 1 } }));
  });

  test("a condition that throws lets the event through, and is reported", () => {
    const reported: unknown[] = [];
    const mistake = new TypeError("a mistake");
    const condition = () => {
      throw mistake;
    };
    const event = sampleEvent("exec.completed");
    assert.ok(compileFilter({ condition }, (error, of) => reported.push(error, of))(event));
    assert.deepEqual(reported, [mistake, event]);
    assert.ok(compileFilter({ condition })(event));
  });

  const unknown: [pattern: string, nearest: RegExp][] = [
    ["exec.complete", /no event type matches "exec\.complete"; did you mean "exec\.completed"\?/],
    ["exce.*", /did you mean "exec\.\*"\?/],
    ["!sandbox.creatd", /did you mean "sandbox\.created"\?/],
    ["Exec.Completed", /did you mean "exec\.completed"\?/],
    ["exec", /no event type matches "exec"/],
    ["completely-else", /no event type matches "completely-else"$/],
  ];
  for (const [pattern, message] of unknown) {
    test(`the pattern ${pattern} is refused with the nearest name`, () => {
      assert.throws(() => compileFilter({ types: [pattern] }), { code: "INVALID_REQUEST", message });
    });
  }

  test("a list in text is split, trimmed and checked", () => {
    assert.deepEqual(parseTypes(" exec.*, sandbox.* ,,!exec.streamed"), [
      "exec.*",
      "sandbox.*",
      "!exec.streamed",
    ]);
    assert.deepEqual(parseTypes(""), []);
    assert.throws(() => parseTypes("exec.*,sandbx.*"), { code: "INVALID_REQUEST", message: /"sandbox\.\*"/ });
  });
});
