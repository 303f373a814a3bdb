/**
 * One cell in a warm sandbox, from the call to its parsed ending: through SDK, HTTP, recording and events, and beside it the
 * same code in the same kind of sandbox over the agent's bare socket. And plain commands, which start a process each.
 */
import { setTimeout as delay } from "node:timers/promises";
import { BareHttp } from "./measure/bare-http.ts";
import { MeasuredDaemon } from "./measure/daemon.ts";
import { interleave, timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { RawAgent } from "./measure/raw-agent.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";

const CODE = "print(1)";
const CELL = 'runCode("print(1)")';
const RAW = "raw unix socket to the agent";
const INFO = "GET of the sandbox";
const HTTP_ALONE = "bare node:http to another process";
/** What an agent that thinks in between leaves the sandbox to get its next process ready. */
const PAUSE_MS = 40;

export const exec: Part = {
  name: "exec",
  title: "Round trip of an exec in a warm sandbox",
  measure: async (plan) => [...(await measureCells(plan)), ...(await measureCommands(plan))],
};

async function measureCells(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  await using raw = await RawAgent.start();
  await using http = await BareHttp.start();
  const sandbox = await daemon.client.sandboxes.create({ template: "python" });
  if ((await sandbox.runCode(CODE)).stdout !== "1\n" || (await raw.runCode(CODE)) !== "1\n")
    throw new Error(`${CODE} did not print 1`);
  const candidates = [
    { name: CELL, run: () => timed(() => sandbox.runCode(CODE)) },
    { name: RAW, run: () => timed(() => raw.runCode(CODE)) },
    { name: INFO, run: () => timed(() => sandbox.info()) },
    { name: HTTP_ALONE, run: () => timed(() => http.roundTrip()) },
  ];
  await interleave(plan.times(300, 50), candidates);
  const samples = await interleave(plan.times(2000, 100), candidates);
  await sandbox.terminate();
  const cell = samples.get(CELL)!;
  const direct = samples.get(RAW)!;
  return [
    row(`${CELL}, p50`, median(cell), "ms", { target: { atMost: 3 } }),
    row(`${CELL}, p99`, percentile(cell, 0.99), "ms", {
      target: { atMost: 15 },
      note: `of ${cell.length}`,
    }),
    row(`${RAW}, p50`, median(direct), "ms"),
    row(`${RAW}, p99`, percentile(direct, 0.99), "ms"),
    row("runCode / raw unix socket", median(cell) / median(direct), "x", {
      target: { atMost: 2 },
      note: "same run, in turns",
    }),
    row(`${INFO}, p50`, median(samples.get(INFO)!), "ms", { note: "SDK, HTTP and its event" }),
    row(`${HTTP_ALONE}, p50`, median(samples.get(HTTP_ALONE)!), "ms", {
      note: "the floor of any HTTP API here",
    }),
  ];
}

async function measureCommands(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  const sandbox = await daemon.client.sandboxes.create({ template: "bash" });
  const calls: [name: string, command: string | string[]][] = [
    ["command /bin/true", ["/bin/true"]],
    ["command echo 1 (a shell line)", "echo 1"],
  ];
  const rows: Row[] = [];
  for (const [name, pauseMs] of [
    ["", PAUSE_MS],
    [", back to back", 0],
  ] as const) {
    const candidates = calls.map(([call, command]) => ({
      name: call,
      run: async () => {
        await delay(pauseMs);
        return timed(() => sandbox.commands.run(command));
      },
    }));
    await interleave(plan.times(20, 5), candidates);
    for (const [call, samples] of await interleave(plan.times(200, 10), candidates)) {
      rows.push(row(`${call}${name}, p50`, median(samples), "ms"));
      rows.push(row(`${call}${name}, p99`, percentile(samples, 0.99), "ms"));
    }
  }
  await sandbox.terminate();
  return rows;
}
