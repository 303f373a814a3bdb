/**
 * A gibibyte of output through the API: is all of it there, does the daemon's memory stay small, how fast is it. The client
 * reads the stream as it comes and takes its checksum, which is compared with that of data computed apart.
 */
import { createHash } from "node:crypto";
import { outputBytes, type Sandbox } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import { timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { ProcessUsage } from "./measure/process-usage.ts";
import { type Row, row } from "./measure/row.ts";
import { type DataKind, expectedChecksum, generatorCommand } from "./measure/source-data.ts";
import { median } from "./measure/statistics.ts";

export const stdout: Part = {
  name: "stdout",
  title: "Stdout through the API",
  measure: measureStdout,
};

async function measureStdout(plan: Plan): Promise<Row[]> {
  const mebibytes = plan.times(1024, 64);
  const bytes = mebibytes * 1024 ** 2;
  const rate = (ms: number) => bytes / 1e6 / (ms / 1000);
  const rows: Row[] = [];
  for (const [kind, runs] of [
    ["text", plan.times(3, 1)],
    ["binary", 1],
  ] as const) {
    const checksum = expectedChecksum(mebibytes, kind);
    // A daemon each: its memory starts from where it is after a start, not after the other kind.
    await using daemon = await MeasuredDaemon.start();
    const sandbox = await daemon.client.sandboxes.create({ template: "bash", maxOutputBytes: 2 * bytes });
    await sandbox.commands.run("echo warm");
    const size = plan.isQuick ? `${mebibytes} MiB` : "1 GiB";
    const name = `${size} of ${kind}`;
    using usage = new ProcessUsage(daemon.pid);
    const results: StreamResult[] = [];
    results.push(await streamAll(sandbox, mebibytes, kind));
    const growthMb = usage.growthMb;
    while (results.length < runs) results.push(await streamAll(sandbox, mebibytes, kind));
    const laterGrowthMb = usage.growthMb;
    const cpuMs = usage.cpuMs / runs;
    const wrong = results.filter((result) => result.checksum !== checksum || result.bytes !== bytes);
    const generatorMs = await timed(() => generateAlone(sandbox, mebibytes, kind));
    await sandbox.terminate();
    // Said of every kind, promised of the first: text is what programs print.
    const promised = (target: Row["target"]) => (kind === "text" && target !== undefined ? { target } : {});
    rows.push(
      row(`${name}, bytes lost or changed`, wrong.length === 0 ? 0 : lostBytes(wrong, bytes), "bytes", {
        ...promised({ atMost: 0 }),
        note:
          wrong.length === 0 ? `SHA-256 ${checksum.slice(0, 12)}… is the source's` : "the SHA-256 differs",
      }),
      row(`${name}, rate`, rate(median(results.map(({ ms }) => ms))), "MB/s", promised({ atLeast: 100 })),
      row(`${name}, daemon memory growth`, growthMb, "MB", {
        ...promised({ atMost: 100 }),
        note: `from ${usage.startMb.toFixed(0)} MB`,
      }),
      ...(runs > 1 ? [row(`${name}, growth after ${runs} of them`, laterGrowthMb, "MB")] : []),
      row(`${name}, daemon processor time`, cpuMs, "ms"),
      row(`${name}, generator alone`, rate(generatorMs), "MB/s", { note: "in the sandbox, into a pipe" }),
    );
  }
  return rows;
}

interface StreamResult {
  ms: number;
  bytes: number;
  checksum: string;
}

async function streamAll(sandbox: Sandbox, mebibytes: number, kind: DataKind): Promise<StreamResult> {
  const hash = createHash("sha256");
  let bytes = 0;
  const ms = await timed(async () => {
    for await (const event of sandbox.commands.stream(generatorCommand(mebibytes, kind))) {
      if (event.type === "stdout") {
        const part = outputBytes(event);
        bytes += part.length;
        hash.update(part);
      } else if (event.type === "stderr") throw new Error(`the generator said: ${event.data}`);
      else if (event.type === "exit" && event.code !== 0)
        throw new Error(`the generator ended with ${event.code}: ${event.cause}`);
    }
  });
  return { ms, bytes, checksum: hash.digest("hex") };
}

async function generateAlone(sandbox: Sandbox, mebibytes: number, kind: DataKind): Promise<void> {
  const argv = ["/bin/bash", "-c", '"$@" | cat >/dev/null', "generate", ...generatorCommand(mebibytes, kind)];
  const { exitCode, stderr } = await sandbox.commands.run(argv);
  if (exitCode !== 0) throw new Error(`the generator failed: ${stderr}`);
}

/** At least one: the same number of bytes with another checksum is a loss too. */
function lostBytes(wrong: readonly StreamResult[], bytes: number): number {
  return Math.max(1, ...wrong.map((result) => Math.abs(bytes - result.bytes)));
}
