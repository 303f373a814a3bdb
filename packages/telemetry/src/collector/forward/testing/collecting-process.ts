/**
 * Appends records to the log of telemetry in `argv[2]`, by turns for two destinations (`argv[3]`, `argv[4]`), while they are forwarded,
 * and prints the name of each span whose append was acknowledged, until it is killed. `argv[5]` stands before each name.
 */
import { writeSync } from "node:fs";
import { ForwardWorld } from "./forward-world.ts";

const [, , dataDir, one, two, round] = process.argv as [string, string, string, string, string, string];
const world = await ForwardWorld.at(dataDir);
world.start();
const ids = [await world.destination(one, "sbx_one"), await world.destination(two, "sbx_two")];
await world.store.endAll(world.log.lastPosition);
for (let turn = 0; ; turn++) {
  const names = Array.from(
    { length: 1 + (turn % 20) },
    (_, index) => `${index % 2} ${round} ${turn} ${index}`,
  );
  await Promise.all(names.map((name, index) => world.spans(ids[index % 2]!, [name])));
  // Straight to the pipe: what is printed was acknowledged, whatever happens to this process next.
  writeSync(1, `${names.join("\n")}\n`);
}
