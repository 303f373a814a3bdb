import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { UsageError } from "../exit-codes.ts";
import { inOptions } from "../option-names.ts";
import { duration } from "../print/duration.ts";
import { printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import {
  requestOf,
  SANDBOX_OPTION_NAMES,
  type SandboxOptions,
  withSandboxOptions,
} from "../sandbox-options.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass create`: prints the id alone on stdout, so that a script can take it. */
export function createCommand(terminal: Terminal): Command {
  return withConnection(withSandboxOptions(new Command("create").summary("create a sandbox")))
    .description(
      "Create a sandbox and print its id. It stays until `sandglass rm`, its lifetime or its idle time ends it.",
    )
    .argument("[template]", "python (the default), node, bash, or one of your own; as --template")
    .addHelpText(
      "after",
      `
Examples:
  sandglass create
  sandglass create node --memory 1g --lifetime 1h
  id=$(sandglass create) && sandglass exec "$id" -- uname -a`,
    )
    .action(async (named: string | undefined, options: ConnectionOptions & SandboxOptions) => {
      if (named !== undefined && options.template !== undefined && named !== options.template)
        throw new UsageError(`one sandbox has one template: ${named}, or --template ${options.template}`);
      const request = requestOf(named === undefined ? options : { ...options, template: named });
      const creating = inOptions(SANDBOX_OPTION_NAMES, clientOf(options).sandboxes.create(request));
      const sandbox = await withSpinner(terminal, "creating a sandbox", creating);
      if (options.json) return terminal.print(printableJson(await sandbox.info(), 2));
      await terminal.print(sandbox.id);
      if (!terminal.isAnimated) return;
      const { template, source, createMs, unenforced } = await sandbox.info();
      const { dim, yellow } = terminal.errorColors;
      await terminal.note(dim(`${template}, ${source} in ${duration(createMs)}, trace ${sandbox.traceId}`));
      for (const { limit, reason } of unenforced)
        await terminal.note(yellow(`${limit} is not enforced: ${reason}`));
    });
}
