/**
 * A runtime in a process of its own, to be killed: makes the sandboxes it is asked for, lets them work, says their ids on stdout,
 * and waits for its end. Arguments: data directory, how many sandboxes, their isolation (default "bubblewrap").
 */
import type { Isolation } from "@sandglass/protocol";
import { callContext, startRuntime, until } from "@sandglass/testkit";

const [dataDir = "", count = "1", isolation = "bubblewrap"] = process.argv.slice(2);
const host = await startRuntime({
  dataDir,
  isolation: isolation as Isolation,
  templates: { python: { poolSize: 1 } },
});
await host.runtime.ready();
const ids: string[] = [];
for (let made = 0; made < Number(count); made++) {
  const sandbox = await host.create({ diskMb: 64 });
  const exec = await sandbox.exec(
    { command: "setsid sleep 1000 & (while :; do echo out; sleep 0.01; done) & wait" },
    callContext(),
  );
  await until("it writes", () => exec.info().stdoutBytes > 0);
  if (made === 1) await sandbox.pause(callContext());
  ids.push(`${sandbox.id}/${exec.id}`);
}
console.log(JSON.stringify(ids));
