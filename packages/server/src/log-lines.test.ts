import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { until } from "@sandglass/testkit";
import { LogLines } from "./log-lines.ts";

/** A reader that takes nothing before it is told to. */
class SlowReader extends Writable {
  readonly taken: string[] = [];
  #done: (() => void) | undefined;
  #isAwake = false;

  constructor() {
    super({ highWaterMark: 1024, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.taken.push(chunk);
    if (this.#isAwake) done();
    else this.#done = done;
  }

  /** Takes what waits, and from here on everything at once. */
  wake(): void {
    this.#isAwake = true;
    this.#done?.();
  }

  get text(): string {
    return this.taken.join("");
  }
}

test("lines written in one turn go out together, in order", async () => {
  const out = new SlowReader();
  const lines = new LogLines(out, (count) => `dropped ${count}`);
  lines.write(() => "a");
  lines.write(() => "b");
  while (out.taken.length === 0) await turn();
  assert.deepEqual(out.taken, ["a\nb\n"]);
});

test("a reader that stops costs lines, never memory without bound, and hears how many", async () => {
  const out = new SlowReader();
  const lines = new LogLines(out, (count) => `dropped ${count}`);
  const line = "x".repeat(64 * 1024);
  lines.write(() => line);
  while (out.taken.length === 0) await turn(); // from here on the reader has stopped
  for (let n = 1; n < 200; n++) {
    lines.write(() => line);
    if (n % 50 === 0) await turn();
  }
  await until("they are made, and dropped", () => lines.dropped > 100);
  assert.ok(out.writableLength < 8 * 1024 * 1024);
  const { dropped } = lines;
  out.wake();
  await lines.drain(60_000);
  assert.equal(out.text.split(line).length - 1, 200 - dropped);
  assert.match(out.text, new RegExp(`dropped ${dropped}\\n$`));
});

test("a reader that is gone is no error, and nothing waits for it", async () => {
  const out = new SlowReader();
  const lines = new LogLines(out, String);
  out.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  await turn();
  lines.write(() => "a");
  await lines.drain(60_000);
  assert.equal(lines.dropped, 1);
});
