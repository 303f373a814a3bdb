import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { inOptions } from "../option-names.ts";
import { diffList } from "../print/diff-list.ts";
import { printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass diff`: which files a sandbox has otherwise than the one it was forked from, or another one. */
export function diffCommand(terminal: Terminal): Command {
  return withConnection(new Command("diff").summary("list what a sandbox changed against another"))
    .description(
      "List the files, links and directories that a sandbox has added (A), modified (M) and removed (D), compared with the sandbox it was " +
        "forked from, or with another one.",
    )
    .argument("<sandbox>", "its id")
    .option("--against <sandbox>", "what to compare it with (default: the sandbox it was forked from)")
    .addHelpText(
      "after",
      `
Examples:
  sandglass diff sbx_…
  sandglass diff sbx_… --against sbx_…
  sandglass diff sbx_… --json | jq '.modified[]'`,
    )
    .action(async (id: string, options: ConnectionOptions & { against?: string }) => {
      const { against } = options;
      const sandbox = await clientOf(options).sandboxes.connect(id);
      const comparing = inOptions(
        { against: "--against" },
        sandbox.diff(against === undefined ? {} : { against }),
        { "say what to compare it with: ?against=sbx_…": "say what to compare it with: --against sbx_…" },
      );
      const diff = await withSpinner(terminal, "comparing", comparing);
      if (options.json) return terminal.print(printableJson(diff, 2));
      for (const line of diffList(diff, terminal.colors)) await terminal.print(line);
      if (diff.truncated)
        await terminal.note(terminal.errorColors.yellow("there is more: these are the first paths"));
    });
}
