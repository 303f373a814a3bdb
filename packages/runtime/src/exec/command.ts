import type { AgentConnection } from "../agent/connection.ts";
import { StartError } from "../agent/connection.ts";
import { Channel, StartFlag } from "../agent/frames.ts";
import type { ProcessExit } from "../agent/process.ts";
import type { Exec } from "./exec.ts";
import type { Runner } from "./runner.ts";

/** What the process may write before the host has kept any of it. */
export const OUTPUT_CREDIT_BYTES: number = 1024 * 1024;

const SIGKILL = 9;
const NOTHING_RAN = { code: 0, signal: 0, cpuMs: 0, maxRssBytes: 0, oomKills: 0, isDiskFull: false };

export interface CommandSpec {
  argv: readonly string[];
  env: Record<string, string>;
  cwd: string;
  stdin: string | undefined;
  maxOpenFiles: number;
  isDiskFull(): boolean;
}

/** Runs a command to its end. Never rejects: whatever goes wrong is the exec's ending. */
export async function runCommand(
  exec: Exec,
  agent: AgentConnection,
  runner: Runner,
  spec: CommandSpec,
): Promise<void> {
  const { process, group } = runner;
  if (exec.isOver) {
    group.kill(); // decided while the runner was got ready
    process.signal(SIGKILL);
    return;
  }
  const ended = new Promise<ProcessExit | undefined>((resolve) => {
    process.events = {
      onOutput: (channel, bytes) =>
        exec.output.append(channel === Channel.stdout ? "stdout" : "stderr", bytes),
      onExit: resolve,
      onLost: () => resolve(undefined),
    };
  });
  exec.begin({
    signal: (number) => process.signal(number),
    end: () => group.kill(),
    grant: (bytes) => process.restore(bytes),
  });
  process.grant(OUTPUT_CREDIT_BYTES);
  group.begin();
  try {
    await agent.start(process, {
      argv: spec.argv,
      env: spec.env,
      cwd: spec.cwd,
      flags: spec.stdin === undefined ? 0 : StartFlag.stdin,
      maxOpenFiles: spec.maxOpenFiles,
    });
  } catch (error) {
    group.kill();
    group.tryRemove();
    const refusal = error instanceof RangeError ? new StartError("E2BIG", error.message) : error;
    if (refusal instanceof StartError && exec.decision === undefined)
      return await notStarted(exec, spec, refusal);
    return await exec.finish({ ...NOTHING_RAN, code: 137, signal: SIGKILL });
  }
  if (spec.stdin !== undefined) {
    void process.write(Channel.stdin, Buffer.from(spec.stdin)).then(() => process.end(Channel.stdin));
  }
  const exit = await ended;
  const usage = exit === undefined ? { cpuMs: 0, oomKills: 0 } : group.usage(exit.code !== 0);
  await exec.finish({
    code: exit?.code ?? 137,
    signal: exit?.signal ?? 9,
    cpuMs: usage.cpuMs,
    maxRssBytes: exit?.maxRssBytes ?? 0,
    oomKills: usage.oomKills,
    isDiskFull: exit !== undefined && exit.code !== 0 && spec.isDiskFull(),
  });
  if (exit !== undefined) group.tryRemove();
}

/** As a shell answers: 127 for what is not there, 126 for what cannot be executed. */
async function notStarted(exec: Exec, spec: CommandSpec, error: StartError): Promise<void> {
  const what = error.message.startsWith("cannot enter")
    ? `${spec.cwd}: ${error.message}`
    : `${spec.argv[0]}: ${describe(error)}`;
  exec.output.append("stderr", Buffer.from(`sandglass: ${what}\n`));
  await exec.finish({ ...NOTHING_RAN, code: error.errno === "ENOENT" ? 127 : 126 });
}

function describe(error: StartError): string {
  if (error.errno === "ENOENT") return "command not found";
  if (error.errno === "EACCES") return "permission denied";
  return error.message;
}
