/**
 * Appends to the log in `argv[2]` as fast as it can and prints each acknowledged position, until it is killed.
 * Batches are of varying size, so that the kill falls into writes of many lengths.
 */
import { writeSync } from "node:fs";
import { DurableLog } from "../durable-log.ts";

const log = await DurableLog.open({ dir: process.argv[2]!, segmentBytes: 256 * 1024 });
for (let round = 0; ; round++) {
  const size = 1 + (round % 40);
  const appends: Promise<number>[] = [];
  for (let i = 0; i < size; i++)
    appends.push(log.append(`${log.nextPosition}:${"x".repeat((round * 37) % 2000)}`));
  const positions = await Promise.all(appends);
  // Straight to the pipe: what is printed was acknowledged, whatever happens to this process next.
  writeSync(1, `${positions.at(-1)}\n`);
}
