/** What each way to isolate costs: a creation, a command, a cell and a gibibyte of output, each beside bubblewrap, in turns. */
import type { Isolation } from "@sandglass/protocol";
import type { Sandbox } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import { interleave, timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { generatorCommand } from "./measure/source-data.ts";
import { median } from "./measure/statistics.ts";

const WALLS = ["bubblewrap", "crun", "gvisor"] as const satisfies readonly Isolation[];
type Sandboxes = Record<(typeof WALLS)[number], Sandbox>;

export const isolation: Part = {
  name: "isolation",
  title: "crun and gVisor beside bubblewrap, through HTTP and SDK",
  measure: measureIsolation,
};

async function measureIsolation(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  const mebibytes = plan.times(1024, 64);
  const make = (wall: Isolation): Promise<Sandbox> =>
    daemon.client.sandboxes.create({
      template: "python",
      isolation: wall,
      maxOutputBytes: 2 * mebibytes * 1024 ** 2,
    });
  const sandboxes = Object.fromEntries(
    await Promise.all(WALLS.map(async (wall) => [wall, await make(wall)])),
  ) as Sandboxes;
  const inEach = (rounds: number, work: (sandbox: Sandbox) => Promise<unknown>) =>
    interleave(
      rounds,
      WALLS.map((name) => ({ name, run: () => timed(() => work(sandboxes[name])) })),
    );
  for (const sandbox of Object.values(sandboxes)) await sandbox.runCode("1");
  const created = await interleave(
    plan.times(20, 2),
    WALLS.map((name) => ({
      name,
      run: async () => {
        let sandbox: Sandbox | undefined;
        const ms = await timed(async () => {
          sandbox = await make(name);
        });
        await daemon.discard(sandbox as Sandbox);
        return ms;
      },
    })),
  );
  const commands = await inEach(plan.times(50, 5), (sandbox) => sandbox.commands.run(["/bin/true"]));
  const cells = await inEach(plan.times(50, 5), (sandbox) => sandbox.runCode("print(1)"));
  const python = await inEach(plan.times(20, 2), (sandbox) =>
    sandbox.commands.run(["python3", "-c", "import json"]),
  );
  const streams = await inEach(plan.times(3, 1), (sandbox) => drain(sandbox, mebibytes));
  const size = plan.isQuick ? `${mebibytes} MiB` : "1 GiB";
  return [
    ...rowsOf("create on demand", created),
    ...rowsOf("command `true`", commands),
    ...rowsOf("cell `print(1)`", cells),
    ...rowsOf("command `python3 -c 'import json'`", python),
    ...rowsOf(`${size} of stdout`, streams),
  ];
}

/** Each in milliseconds, and as a multiple of bubblewrap's. */
function rowsOf(what: string, samples: Map<string, number[]>): Row[] {
  const base = median(samples.get("bubblewrap") ?? []);
  return [...samples].flatMap(([name, all]) => [
    row(`${what}, ${name}, p50`, median(all), "ms", { note: `of ${all.length}` }),
    ...(name === "bubblewrap" ? [] : [row(`${what}, ${name} / bubblewrap`, median(all) / base, "x")]),
  ]);
}

async function drain(sandbox: Sandbox, mebibytes: number): Promise<void> {
  let bytes = 0;
  for await (const event of sandbox.commands.stream(generatorCommand(mebibytes, "text"))) {
    if (event.type === "stdout") bytes += event.data.length;
    else if (event.type === "exit" && event.code !== 0)
      throw new Error(`the generator ended with ${event.code}: ${event.cause}`);
  }
  if (bytes < mebibytes * 1024 ** 2)
    throw new Error(`${bytes} bytes came where ${mebibytes} MiB were written`);
}
