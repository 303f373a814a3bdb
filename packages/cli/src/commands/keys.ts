import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { age } from "../print/duration.ts";
import { printableJson } from "../print/printable.ts";
import { table } from "../print/table.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass keys create|list|revoke`. */
export function keysCommand(terminal: Terminal): Command {
  const keys = new Command("keys")
    .summary("create, list and revoke API keys")
    .description("API keys of the daemon.");
  keys.addCommand(
    withConnection(new Command("create").summary("make a key; it is shown once"))
      .description("Make a key for another user or program and print it. It is shown this once.")
      .argument("<name>", "who will use it")
      .option("--org <id>", "its organisation, whose sandboxes and events alone it sees; default yours")
      .option("--no-admin", "a key of yours that may not do what only the operator may")
      .addHelpText(
        "after",
        `
Examples:
  sandglass keys create ci
  sandglass keys create "agent" --no-admin
  sandglass keys create "team b" --org team-b > team-b.key`,
      )
      .action(async (name: string, options: ConnectionOptions & { org?: string; admin: boolean }) => {
        const created = await clientOf(options).keys.create(name, {
          ...(options.org !== undefined && { orgId: options.org }),
          ...(!options.admin && { scopes: [] }),
        });
        if (options.json) return terminal.print(printableJson(created, 2));
        await terminal.print(created.key);
        const { dim } = terminal.errorColors;
        await terminal.note(dim(`${created.id} of ${created.orgId}: keep the key, it is not shown again`));
      }),
  );
  keys.addCommand(
    withConnection(new Command("list").alias("ls").summary("list keys, never their secrets"))
      .addHelpText(
        "after",
        "\nExamples:\n  sandglass keys list\n  sandglass keys list --json | jq -r '.[].id'",
      )
      .action(async (options: ConnectionOptions) => {
        const items = await clientOf(options).keys.list();
        if (options.json) return terminal.print(printableJson(items, 2));
        const rows = items.map(({ id, name, orgId, scopes, createdAt }) => [
          id,
          name,
          orgId,
          scopes.join(" "),
          age(createdAt),
        ]);
        await terminal.print(table(["KEY", "NAME", "ORGANISATION", "SCOPES", "AGE"], rows, terminal.colors));
      }),
  );
  keys.addCommand(
    withConnection(new Command("revoke").summary("make keys stop working"))
      .argument("<key...>", "their ids, key_…")
      .addHelpText("after", "\nExamples:\n  sandglass keys revoke key_…")
      .action(async (ids: string[], options: ConnectionOptions) => {
        const client = clientOf(options);
        for (const id of ids) await client.keys.revoke(id);
        await terminal.print(options.json ? printableJson({ revoked: ids }, 2) : ids.join("\n"));
      }),
  );
  return keys;
}
