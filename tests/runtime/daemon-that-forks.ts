/**
 * A runtime in a process of its own, to be killed while it forks: a sandbox with so much on its disk that a copy takes its time, and forks
 * of it without end. Says the sandbox's id on stdout. Arguments: data directory, isolation.
 */
import type { Isolation } from "@sandglass/protocol";
import { callContext, run, startRuntime } from "@sandglass/testkit";

const [dataDir = "", isolation = "bubblewrap"] = process.argv.slice(2);
const host = await startRuntime({ dataDir, isolation: isolation as Isolation });
const parent = await host.create({ diskMb: 1024 });
await run(parent, { command: "head -c 300M /dev/urandom > large" });
console.log(parent.id);
for (;;) {
  const children = await host.runtime.fork(parent, 4, callContext());
  await Promise.all(children.map((child) => child.terminate("user", callContext())));
}
