/**
 * Records sandboxes and execs in the data directory `argv[2]` as fast as it can, a few at a time, and prints the id of every
 * event once it is committed, until it is killed.
 */
import { writeSync } from "node:fs";
import { Recorder } from "../../recorder.ts";
import { created, execOf, newPlace, terminated } from "./event-inputs.ts";

const recorder = await Recorder.open({ dataDir: process.argv[2]!, segmentBytes: 256 * 1024 });
recorder.subscribe(({ id }) => writeSync(1, `${id}\n`));

async function live(): Promise<void> {
  for (;;) {
    const place = newPlace();
    await recorder.emit(created(place));
    for (let i = 0; i < 3; i++) {
      const { started, completed } = execOf(place, "x".repeat(i * 200));
      await recorder.emit(started);
      await recorder.emit(completed);
    }
    await recorder.emit(terminated(place));
  }
}
await Promise.all(Array.from({ length: 8 }, live));
