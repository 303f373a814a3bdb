import { Command } from "commander";
import type { ExecInfo, Sandbox } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { noteOutages, passOn } from "../exec-output.ts";
import { execStart } from "../exec-start.ts";
import { UsageError } from "../exit-codes.ts";
import { shortened } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass logs`: what was written, again; works after the sandbox is gone. */
export function logsCommand(terminal: Terminal): Command {
  return withConnection(new Command("logs").summary("show the output of a sandbox or an exec again"))
    .description(
      "Show what an exec, or every exec of a sandbox, wrote. One that still runs is followed to its end.",
    )
    .argument("<sandbox|exec>", "the id of either")
    .addHelpText(
      "after",
      `
Examples:
  sandglass logs sbx_…
  sandglass logs exec_… > output.txt`,
    )
    .action(async (id: string, options: ConnectionOptions) => {
      const client = clientOf(options);
      if (id.startsWith("exec_")) {
        const sandbox = await client.sandboxes.connect((await execStart(client, id)).sandboxId);
        return showExec(sandbox, await sandbox.execs.get(id), terminal, options);
      }
      if (!id.startsWith("sbx_"))
        throw new UsageError(`"${id}" is neither a sandbox's id (sbx_…) nor an exec's (exec_…)`);
      const sandbox = await client.sandboxes.connect(id);
      for (const exec of await allExecs(sandbox)) {
        const subject = shortened(exec.command ?? exec.code ?? exec.kind, 60);
        if (!options.json) await terminal.note(terminal.errorColors.dim(`── ${exec.id}  ${subject}`));
        await showExec(sandbox, exec, terminal, options);
      }
    });
}

async function showExec(
  sandbox: Sandbox,
  exec: ExecInfo,
  terminal: Terminal,
  options: ConnectionOptions,
): Promise<void> {
  const events = sandbox.execs.stream(exec.id, {
    signal: terminal.interruption,
    onConnection: noteOutages(terminal),
  });
  await passOn(events, terminal, options.json ?? false, () => ({
    sandboxId: sandbox.id,
    traceId: exec.traceId,
  }));
}

async function allExecs(sandbox: Sandbox): Promise<ExecInfo[]> {
  const execs: ExecInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await sandbox.execs.list({ limit: 1000, ...(cursor !== undefined && { cursor }) });
    execs.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return execs.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}
