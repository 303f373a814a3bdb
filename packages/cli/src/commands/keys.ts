import { Command } from "commander";
import type { CreatedKey, Scope } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { forEach } from "../for-each.ts";
import { keepNewSecret } from "../kept-key.ts";
import { inOptions, type OptionNames } from "../option-names.ts";
import { parseDuration } from "../option-values.ts";
import { age } from "../print/duration.ts";
import { printableJson } from "../print/printable.ts";
import { table } from "../print/table.ts";
import type { Terminal } from "../terminal.ts";

const EVERYDAY: readonly Scope[] = ["sandboxes:read", "sandboxes:write", "events:read"];

/** What they are called in the request. */
const CREATE_OPTION_NAMES: OptionNames = {
  name: "the name",
  orgId: "--org",
  scopes: "--scope",
  expiresAt: "--expires",
};

interface CreateOptions extends ConnectionOptions {
  org?: string;
  scope?: Scope[];
  admin: boolean;
  /** Milliseconds. */
  expires?: number;
}

/** `sandglass keys create|list|rotate|revoke`. */
export function keysCommand(terminal: Terminal): Command {
  const keys = new Command("keys")
    .summary("create, list, rotate and revoke API keys")
    .description("API keys of the daemon.");
  keys.addCommand(
    withConnection(new Command("create").summary("make a key; it is shown once"))
      .description("Make a key for another user or program and print it. It is shown this once.")
      .argument("<name>", "who will use it")
      .option("--org <id>", "its organisation, whose sandboxes and events alone it sees; default yours")
      .option("--scope <scope...>", `what it may do: ${EVERYDAY.join(", ")} or admin; default what yours may`)
      .option("--no-admin", "all scopes but admin")
      .option("--expires <duration>", "when it stops working, from now: 12h, 90d", parseDuration)
      .addHelpText(
        "after",
        `
Examples:
  sandglass keys create ci
  sandglass keys create "agent" --no-admin
  sandglass keys create "dashboard" --scope sandboxes:read events:read --expires 90d
  sandglass keys create "team b" --org team-b > team-b.key`,
      )
      .action(async (name: string, options: CreateOptions) => {
        const { org, scope, admin, expires } = options;
        const scopes = scope ?? (admin ? undefined : [...EVERYDAY]);
        const creating = clientOf(options).keys.create(name, {
          ...(org !== undefined && { orgId: org }),
          ...(scopes !== undefined && { scopes }),
          ...(expires !== undefined && { expiresAt: new Date(Date.now() + expires) }),
        });
        const created = await inOptions(CREATE_OPTION_NAMES, creating);
        await showCreated(created, options, terminal);
      }),
  );
  keys.addCommand(
    withConnection(new Command("rotate").summary("give a key a new secret; it is shown once"))
      .description("Give a key a new secret and print it. It is shown this once.")
      .argument("<key>", "its id, key_…")
      .option(
        "--grace <duration>",
        "how long the old secret works too, at most 7d; default 0s",
        parseDuration,
      )
      .addHelpText(
        "after",
        `
A stream that was begun with the old secret is cut when that one ends. Of the key that the command itself asks with, the
new secret takes the old one's place in the credentials file.

Examples:
  sandglass keys rotate key_…
  sandglass keys rotate key_… --grace 1h > new.key`,
      )
      .action(async (id: string, options: ConnectionOptions & { grace?: number }) => {
        const { grace } = options;
        const client = clientOf(options);
        const rotating = client.keys.rotate(id, grace === undefined ? {} : { graceMs: grace });
        const rotated = await inOptions({ graceMs: "--grace" }, rotating);
        // First: whatever becomes of the file, this is the only time it is shown.
        await showCreated(rotated, options, terminal);
        if (rotated.isOwn === true) {
          const said = await keepNewSecret(rotated.key, client.baseUrl, options);
          await terminal.note(terminal.errorColors.dim(said));
        }
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
        const rows = items.map(({ id, name, orgId, scopes, createdAt, lastUsedAt, expiresAt }) => [
          id,
          name,
          orgId,
          scopes.join(" "),
          age(createdAt),
          // Known to the minute: one that was made in it was not used before.
          lastUsedAt === undefined ? "" : age(lastUsedAt < createdAt ? createdAt : lastUsedAt),
          expiresAt ?? "",
        ]);
        const titles = ["KEY", "NAME", "ORGANISATION", "SCOPES", "AGE", "LAST USED", "EXPIRES"];
        await terminal.print(table(titles, rows, terminal.colors));
      }),
  );
  keys.addCommand(
    withConnection(new Command("revoke").summary("make keys stop working at once"))
      .argument("<key...>", "their ids, key_…")
      .addHelpText("after", "\nExamples:\n  sandglass keys revoke key_…")
      .action(async (ids: string[], options: ConnectionOptions) => {
        const client = clientOf(options);
        const revoke = async (id: string): Promise<void> => {
          await client.keys.revoke(id);
          if (!options.json) await terminal.print(id);
        };
        await forEach(ids, terminal, options.json ?? false, revoke, async (revoked) => {
          if (options.json) await terminal.print(printableJson({ revoked }, 2));
        });
      }),
  );
  return keys;
}

/** The secret alone on stdout, so that it can go into a file. */
async function showCreated(
  created: CreatedKey,
  options: ConnectionOptions,
  terminal: Terminal,
): Promise<void> {
  if (options.json) return terminal.print(printableJson(created, 2));
  await terminal.print(created.key);
  const { dim } = terminal.errorColors;
  await terminal.note(dim(`${created.id} of ${created.orgId}: keep the key, it is not shown again`));
}
