import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadChunk } from "../log/read-chunk.ts";
import { LogEvent } from "./log-event.ts";
import { Window } from "./window.ts";

/** A window of two events of one chunk, which the reader has let go of, and one of another that it still holds. */
function windowOfThree(): { window: Window; first: ReadChunk; givenBack: string[] } {
  const givenBack: string[] = [];
  const [first, second] = ["first", "second"].map(
    (name) => new ReadChunk(Buffer.from("{}{}"), 1, () => givenBack.push(name)),
  );
  const window = new Window(1);
  window.add(new LogEvent(1, first!.bytes, 0, 2), first!);
  window.add(new LogEvent(2, first!.bytes, 2, 4), first!);
  window.add(new LogEvent(3, second!.bytes, 0, 2), second!);
  first!.release();
  return { window, first: first!, givenBack };
}

test("what a window's events were read with is given back when it is settled, and what a reader is still at is not", () => {
  const { window, givenBack } = windowOfThree();
  assert.deepEqual(givenBack, []);
  window.settle({ delivered: 3, rejected: 0 });
  assert.deepEqual(givenBack, ["first"]);
});

test("memory that an attempt nobody waits for may still look at is never given back", () => {
  const { window, givenBack } = windowOfThree();
  window.settle({ delivered: 3, rejected: 0, isAbandoned: true });
  assert.deepEqual(givenBack, []);
});

test("memory is given back once where its events were copied out of it", () => {
  const { window, first, givenBack } = windowOfThree();
  window.letGo(first);
  assert.deepEqual(givenBack, ["first"]);
  window.letGo(first);
  window.settle({ delivered: 3, rejected: 0 });
  assert.deepEqual(givenBack, ["first"]);
});
